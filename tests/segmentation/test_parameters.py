"""Parameters of segmentation: nnU-Net's defaults, and refused values."""

import pytest
from pydantic import ValidationError

from faircmr.segmentation import AugmentationParameters, TrainingParameters


def test_the_defaults_are_nnunets_schedule():
    training = TrainingParameters()

    assert (training.epochs, training.iterations_per_epoch, training.learning_rate) == (1000, 250, 0.01)
    assert (training.momentum, training.weight_decay, training.gradient_clip) == (0.99, 3e-5, 12.0)
    assert training.foreground_oversampling == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": "five"}, "valid integer"),
        ({"epochs": 0}, "greater than or equal to 1"),
        ({"epoch": 5}, "Extra inputs"),
        ({"final_weights": "newest"}, "'last' or 'best'"),
        ({"augmentation": {"noise": {"probability": 2, "low": 0, "high": 1}}}, "less than or equal to 1"),
    ],
)
def test_refuses_what_it_does_not_know_or_cannot_use(values: dict[str, object], message: str):
    with pytest.raises(ValidationError, match=message):
        TrainingParameters.model_validate(values)


def test_refuses_a_range_that_is_upside_down():
    with pytest.raises(ValidationError, match=r"low is 1\.4 and high is 0\.7: low must not exceed high"):
        AugmentationParameters.model_validate({"scaling": {"probability": 0.2, "low": 1.4, "high": 0.7}})


def test_refuses_to_shrink_to_nothing():
    with pytest.raises(ValidationError, match="greater than 0"):
        AugmentationParameters.model_validate({"scaling": {"probability": 0.2, "low": 0, "high": 1}})


def test_a_factor_lies_around_one():
    with pytest.raises(ValueError, match="1 must be between them"):
        AugmentationParameters.model_validate({"gamma": {"probability": 0.2, "low": 1.1, "high": 1.4}})
