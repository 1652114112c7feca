"""Plans of localisers: the patch contains the whole image; augmentation is the study's."""

import pandas as pd
import pytest

from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.localiser import LocaliserParameters, LocaliserPlans
from faircmr.segmentation.localiser.parameters import plan_localiser, spacing_ratio
from tests.segmentation.phantoms import plans_of

ACDC = pd.DataFrame({"rows": [256, 216], "columns": [232, 256]}).assign(
    spacing_row=[1.5, 1.6], spacing_column=[1.5, 1.6]
)


def plans(spacing):
    return plans_of().model_copy(update={"spacing": (spacing, spacing)})


@pytest.mark.parametrize(("spacing", "factor"), [(1.5625, 3), (1.8, 3), (2.5, 2), (5.0, 1), (9.0, 1)])
def test_pixels_are_a_whole_number_of_the_tensors(spacing, factor):
    made = plan_localiser(ACDC, plans(spacing), TrainingParameters(), LocaliserParameters(spacing=5.0))
    assert made.reduction == factor
    assert made.network.spacing == pytest.approx((spacing * factor, spacing * factor))


@pytest.mark.parametrize("coarse", [(4.0, 4.0), (3.0, 4.5), (1.0, 1.0)])
def test_other_grids_are_refused(coarse):
    with pytest.raises(ValueError, match="not an integer multiple"):
        spacing_ratio(coarse, (1.5, 1.5))


def test_plans_edited_to_another_grid_are_refused():
    made = plan_localiser(ACDC, plans(1.5625), TrainingParameters(), LocaliserParameters())
    edited = made.model_dump() | {"tensor_spacing": (2.0, 2.0)}
    with pytest.raises(ValueError, match="not an integer multiple"):
        LocaliserPlans.model_validate(edited)


def test_the_patch_holds_the_median_image():
    made = plan_localiser(ACDC, plans(1.5625), TrainingParameters(), LocaliserParameters()).network

    assert made.spacing == (4.6875, 4.6875)
    assert made.patch == (80, 88)
    assert all(side % reduction == 0 for side, reduction in zip(made.patch, made.reduction, strict=True))


def test_the_schedule_is_its_own_and_the_rest_the_studys():
    training = TrainingParameters(epochs=7, threads=1, devices=4, final_weights="best", weight_decay=0.5)

    localiser = plan_localiser(ACDC, plans(1.5625), training, LocaliserParameters(epochs=3, momentum=0.8, seed=5))

    made = localiser.training
    assert (localiser.seed, localiser.reduction) == (5, 3)
    assert (made.epochs, made.momentum, made.final_weights, made.devices) == (3, 0.8, "last", 1)
    assert (made.threads, made.weight_decay, made.augmentation) == (1, 0.5, training.augmentation)
