"""Each change of intensities separately."""

import pytest
import torch

from faircmr.segmentation.data import augmentation as intensity


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randn(3, 1, 16, 16, generator=torch.Generator().manual_seed(0)).cumsum(-1)


def test_noise_has_the_deviation_that_is_asked_for():
    flat = torch.zeros(2, 1, 200, 200)

    noisy = intensity.add_noise(flat, torch.tensor([0.05, 0.5]), torch.Generator().manual_seed(0))

    assert noisy.std((1, 2, 3)).tolist() == pytest.approx([0.05, 0.5], rel=0.02)


def test_blur_is_a_gaussian_of_its_own_for_each_sample():
    dot = torch.zeros(2, 1, 21, 21)
    dot[:, :, 10, 10] = 1

    blurred = intensity.blur(dot, torch.tensor([0.5, 1.0]))

    assert blurred.sum((1, 2, 3)).tolist() == pytest.approx([1, 1], abs=1e-5)
    offsets = torch.arange(21) - 10
    variance = (blurred.sum((1, 2)) * offsets**2).sum(-1)
    # sampled at whole pixels, a Gaussian of deviation 0.5 is a little narrower
    assert variance.tolist() == pytest.approx([0.25, 1.0], abs=0.04)


def test_blur_leaves_a_constant_image_alone_up_to_its_edge():
    torch.testing.assert_close(
        intensity.blur(torch.full((1, 1, 8, 8), 3.0), torch.ones(1)), torch.full((1, 1, 8, 8), 3.0)
    )


def test_brightness_multiplies(image: torch.Tensor):
    torch.testing.assert_close(
        intensity.scale_brightness(image, torch.tensor([1.0, 2.0, 0.5])),
        torch.stack([image[0], 2 * image[1], image[2] / 2]),
    )


def test_contrast_keeps_the_mean_when_it_shrinks_and_the_range_when_it_grows(image: torch.Tensor):
    smaller, larger = (intensity.scale_contrast(image, torch.full((3,), factor)) for factor in (0.5, 1.5))

    torch.testing.assert_close(smaller.mean((1, 2, 3)), image.mean((1, 2, 3)))
    torch.testing.assert_close(smaller.std((1, 2, 3)), image.std((1, 2, 3)) / 2)
    assert torch.equal(larger.amax((1, 2, 3)), image.amax((1, 2, 3)))
    assert torch.equal(larger.amin((1, 2, 3)), image.amin((1, 2, 3)))


def test_low_resolution_loses_detail_and_keeps_the_shape(image: torch.Tensor):
    same, coarse = (intensity.lower_resolution(image, torch.full((3,), zoom)) for zoom in (1.0, 0.25))

    torch.testing.assert_close(same, image)
    assert coarse.shape == image.shape
    assert (coarse.diff(dim=-1) ** 2).mean() < (image.diff(dim=-1) ** 2).mean()


@pytest.mark.parametrize("change", [intensity.change_gamma, intensity.change_gamma_inverted])
def test_gamma_keeps_mean_deviation_and_the_order_of_intensities(change: object, image: torch.Tensor):
    changed = change(image, torch.tensor([0.7, 1.0, 1.5]))

    torch.testing.assert_close(changed.mean((1, 2, 3)), image.mean((1, 2, 3)), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(changed.std((1, 2, 3)), image.std((1, 2, 3)), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(changed[1], image[1], atol=1e-4, rtol=1e-4)
    assert (changed[2].flatten()[image[2].flatten().argsort()].diff() > -1e-4).all()


def test_gamma_bends_the_dark_and_inverted_gamma_the_bright_end():
    ramp = torch.linspace(0, 1, 100).reshape(1, 1, 10, 10)
    ends = ((0, 9), (90, 99))

    def steps(changed: torch.Tensor) -> list[float]:
        return [float(changed.flatten()[last] - changed.flatten()[first]) for first, last in ends]

    dark, bright = steps(intensity.change_gamma(ramp, torch.tensor([2.0])))
    assert dark < bright
    dark, bright = steps(intensity.change_gamma_inverted(ramp, torch.tensor([2.0])))
    assert dark > bright


def test_a_constant_image_survives_gamma():
    assert torch.isfinite(intensity.change_gamma(torch.full((1, 1, 4, 4), 2.0), torch.tensor([1.5]))).all()
