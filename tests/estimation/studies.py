"""A study of twelve subjects in three groups, of which nothing but tables exists."""

from __future__ import annotations

import pandas as pd

from faircmr.estimation import PlannedFits, plan_fits
from faircmr.mitigation import FitsParameters, StrategyParameters
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.localiser import LocaliserPlans
from tests.segmentation.phantoms import plans_of

PARTS = ["train", "train", "train", "validation"]
SUBJECTS = pd.DataFrame(
    {
        "subject_id": [f"sub-{number:04d}" for number in range(1, 13)],
        "protected_group": [group for group in "ABC" for _ in PARTS],
    }
)
SPLITS = pd.DataFrame({"subject_id": SUBJECTS["subject_id"], "split": PARTS * 3})
FOLDS = pd.concat([SPLITS.assign(fold=fold) for fold in (0, 1)], ignore_index=True)
TRAINING = TrainingParameters(
    epochs=8, iterations_per_epoch=10, validation_interval=3, validation_batches=1, threads=1, device="cpu"
)
LOCALISER = LocaliserPlans(
    network=plans_of(batch_size=2).model_copy(update={"spacing": (8.0, 8.0)}),
    tensor_spacing=(4.0, 4.0),
    training=TRAINING.model_copy(update={"epochs": 3}),
    seed=7,
)
SMALL_CLASSIFIER = {"kind": "fair_meta_learning", "filters": 2, "growth": 2, "blocks": [1]}


def planned(
    choices: dict[str, object] | None = None, splits: pd.DataFrame = SPLITS, name: str = "any", **fits: object
) -> PlannedFits:
    """Fits of a strategy with these choices."""
    strategy = StrategyParameters.model_validate({"name": name, **(choices or {})})
    return plan_fits(strategy, SUBJECTS, splits, plans_of(), LOCALISER, TRAINING, FitsParameters.model_validate(fits))
