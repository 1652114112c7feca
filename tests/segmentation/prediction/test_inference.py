"""Prediction with one window or overlapping ones, and labels on the source's grid."""

from pathlib import Path

import numpy as np
import pytest
import torch
from monai.inferers import sliding_window_inference

from faircmr.core import InvalidCohortError, InvalidModelError
from faircmr.core.scans import Phase
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import SubjectTensors
from faircmr.segmentation.localiser import Box
from faircmr.segmentation.network import build_network, save_network
from faircmr.segmentation.prediction import Predictor
from faircmr.segmentation.training import fit
from tests.segmentation.phantoms import job_of, phantom, plans_of
from tests.studies import Project


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fit of plans with patch 16 x 16 that has learnt nothing."""
    folder = tmp_path_factory.mktemp("fit")
    save_network(folder / "weights.safetensors", build_network(plans_of(), seed=0), plans_of())
    return folder


def predictor(folder: Path, **inference: object) -> Predictor:
    return Predictor(folder, InferenceParameters.model_validate({"device": "cpu", "threads": 1} | inference))


def image_of(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float16)


def test_probabilities_sum_to_one_in_every_pixel(folder: Path):
    for shape in ((3, 16, 16), (3, 40, 25), (1, 9, 30)):
        probabilities = predictor(folder).predict(image_of(*shape))

        assert probabilities.shape == (4, *shape)
        np.testing.assert_allclose(probabilities.sum(axis=0), 1, atol=1e-5)


def test_a_slice_that_fits_is_predicted_in_one_window(folder: Path):
    image, mine = image_of(5, 16, 16), predictor(folder, batch_size=2)

    with torch.inference_mode():
        whole = mine.network(torch.from_numpy(image.astype(np.float32)).unsqueeze(1))[0].softmax(dim=1)

    np.testing.assert_allclose(mine.predict(image), whole.transpose(0, 1).numpy(), atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 16, 16), (2, 11, 14), (2, 10, 16)])
def test_one_window_equals_sliding_windows_where_it_fits(folder: Path, shape: tuple[int, ...]):
    image, mine = image_of(*shape), predictor(folder)
    planes = torch.from_numpy(image.astype(np.float32)).unsqueeze(1)

    with torch.inference_mode():
        slid = sliding_window_inference(planes, (16, 16), 4, lambda window: mine.network(window)[0], mode="gaussian")

    np.testing.assert_allclose(mine.predict(image), slid.softmax(dim=1).transpose(0, 1).numpy(), atol=1e-5)


def test_does_not_depend_on_how_many_windows_go_together(folder: Path):
    image = image_of(3, 40, 25)

    one, many = (predictor(folder, batch_size=size).predict(image) for size in (1, 16))

    np.testing.assert_allclose(one, many, atol=1e-5)


def test_mirroring_makes_the_prediction_of_a_mirrored_image_the_mirrored_prediction(folder: Path):
    image, mine = image_of(2, 16, 16), predictor(folder, mirroring=True)

    np.testing.assert_allclose(mine.predict(image[..., ::-1])[..., ::-1], mine.predict(image), atol=1e-5)
    assert not np.allclose(predictor(folder).predict(image), mine.predict(image))


def test_what_it_has_learnt_it_finds_on_the_grid_of_the_source(tensors: Path, tmp_path: Path):
    job = job_of(tensors, tmp_path, epochs=20, iterations_per_epoch=12, momentum=0.9, learning_rate=0.1)
    fit(job)
    scan = phantom(99)
    image = (scan.image - scan.image.mean()) / scan.image.std()

    label = predictor(tmp_path).segment(SubjectTensors("sub-0099", "", {"ES.image": image}), Phase.ES, (40, 40))

    truth = np.kron(scan.label, np.ones((1, 2, 2), dtype=np.uint8))
    assert (label.shape, label.dtype) == ((3, 40, 40), np.uint8)
    assert 2 * ((label == 1) & (truth == 1)).sum() / ((label == 1).sum() + (truth == 1).sum()) > 0.7


BOXES = {
    "of the patch": Box(row_start=8, row_stop=24, column_start=3, column_stop=19),
    "larger than the patch": Box(row_start=5, row_stop=31, column_start=2, column_stop=24),
    "smaller than the patch": Box(row_start=20, row_stop=29, column_start=12, column_stop=17),
    "small, in a corner": Box(row_start=0, row_stop=5, column_start=20, column_stop=25),
    "wide and low": Box(row_start=33, row_stop=40, column_start=0, column_stop=25),
}


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_outside_of_the_box_is_background_for_sure(folder: Path, box: Box):
    probabilities = predictor(folder).predict(image_of(3, 40, 25), box)

    outside = np.ones((40, 25), dtype=bool)
    outside[box.slices] = False
    assert probabilities.shape == (4, 3, 40, 25)
    assert (probabilities[0][:, outside] == 1).all()
    assert (probabilities[1:][:, :, outside] == 0).all()
    assert (probabilities[1:][:, :, ~outside] > 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=0), 1, atol=1e-5)


def test_a_box_of_the_patch_is_predicted_as_an_image_of_its_own(folder: Path):
    image, box, mine = image_of(3, 40, 25), BOXES["of the patch"], predictor(folder)

    np.testing.assert_allclose(
        mine.predict(image, box)[..., *box.slices], mine.predict(image[:, *box.slices]), atol=1e-6
    )


def test_a_box_that_is_larger_is_predicted_as_an_image_of_its_own(folder: Path):
    image, box, mine = image_of(3, 40, 25), BOXES["larger than the patch"], predictor(folder)

    np.testing.assert_allclose(
        mine.predict(image, box)[..., *box.slices], mine.predict(image[:, *box.slices]), atol=1e-6
    )


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("smaller than the patch", (slice(17, 33), slice(7, 23))),
        # shifted into the image
        ("small, in a corner", (slice(0, 16), slice(9, 25))),
    ],
)
def test_a_smaller_box_is_seen_with_the_pixels_around_it(folder: Path, name: str, seen: tuple[slice, slice]):
    image, box, mine = image_of(3, 40, 25), BOXES[name], predictor(folder)

    around = np.zeros((4, 3, 40, 25), np.float32)
    around[..., *seen] = mine.predict(image[:, *seen])
    np.testing.assert_allclose(mine.predict(image, box)[..., *box.slices], around[..., *box.slices], atol=1e-6)


def test_the_network_sees_nothing_but_the_box(folder: Path):
    image, box = image_of(2, 40, 25), BOXES["larger than the patch"]
    changed = image.copy()
    changed[:, : box.row_start] = 1e4
    changed[:, :, box.column_stop :] = -1e4

    before, after = (predictor(folder, mirroring=True).predict(one, box) for one in (image, changed))

    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(("mirroring", "passes"), [(False, 1), (True, 4)])
def test_the_network_runs_once_a_mirror_image_for_a_box_that_fits(folder: Path, mirroring: bool, passes: int):
    mine, shapes = predictor(folder, mirroring=mirroring, batch_size=16), []
    mine.network.register_forward_pre_hook(lambda _, inputs: shapes.append(tuple(inputs[0].shape)))

    mine.predict(image_of(3, 40, 25), BOXES["of the patch"])

    assert shapes == [(3, 1, 16, 16)] * passes


def test_a_box_that_is_the_image_changes_nothing(folder: Path):
    image = image_of(2, 40, 25)

    np.testing.assert_array_equal(
        predictor(folder).predict(image, Box.whole((40, 25))), predictor(folder).predict(image)
    )


def test_mixed_precision_says_much_the_same(folder: Path):
    image = image_of(3, 16, 16)

    full, mixed = (predictor(folder, precision=precision).predict(image) for precision in ("full", "mixed"))

    assert mixed.dtype == np.float32
    np.testing.assert_allclose(full, mixed, atol=0.05)
    assert not np.array_equal(full, mixed)


def test_no_label_lies_outside_of_the_box_on_the_grid_of_the_source(folder: Path):
    box = BOXES["of the patch"]
    subject = SubjectTensors("sub-0001", "", {"ED.image": image_of(2, 40, 25)})

    label = predictor(folder).segment(subject, Phase.ED, (80, 50), box)

    inside = np.zeros((80, 50), dtype=bool)
    inside[2 * box.row_start : 2 * box.row_stop, 2 * box.column_start : 2 * box.column_stop] = True
    assert label[:, inside].any()
    # a pixel beside the box is made of what lies on either side of its edge
    grown = np.pad(inside, 1)[:-2, 1:-1] | np.pad(inside, 1)[2:, 1:-1] | inside
    grown |= np.pad(grown, 1)[1:-1, :-2] | np.pad(grown, 1)[1:-1, 2:]
    assert not label[:, ~grown].any()


def test_importing_it_loads_nothing_of_monai(project_root: Path):
    script = "import sys, faircmr.segmentation.prediction.inference; assert 'monai' not in sys.modules"

    assert Project(project_root).python("-c", script).returncode == 0


def test_a_phase_that_was_not_scanned_is_named(folder: Path):
    subject = SubjectTensors("sub-0001", "", {"ED.image": image_of(1, 16, 16)})

    with pytest.raises(InvalidCohortError, match=r"sub-0001: no ES image; ED"):
        predictor(folder).segment(subject, Phase.ES, (16, 16))


def test_a_folder_without_weights_is_refused(tmp_path: Path):
    with pytest.raises(InvalidModelError, match=r"weights.safetensors: missing or truncated"):
        predictor(tmp_path)
