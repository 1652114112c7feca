"""Input of a strategy's networks: the full image, or the heart region that a localiser finds.

Cropping to the heart is also a published mitigation of race bias in cine CMR segmentation. It is therefore a
setting of each strategy, and the errors of the localiser are scored by protected group.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from faircmr.core.host import WorkFolder
from faircmr.core.scans import run_name
from faircmr.core.study import TRAIN, subjects_in
from faircmr.mitigation.fits import SAMPLERS, chosen_folds
from faircmr.mitigation.strategies import FitsParameters, StrategyParameters
from faircmr.segmentation.localiser import LocaliserPlans
from faircmr.segmentation.training import FitJob


def list_localisers(
    strategy: StrategyParameters,
    splits: pd.DataFrame,
    fits: FitsParameters,
    plans: LocaliserPlans,
    tensors: Path,
    work: WorkFolder,
) -> tuple[FitJob, ...]:
    """Fits of the localisers that a strategy needs.

    Args:
        strategy: Its ``input`` determines whether it needs localisers.
        splits: ``subject_id``, ``split`` and, with cross-validation, ``fold``.
        fits: Folds.
        plans: Of the study's localisers.
        tensors: Folder of preprocessed subjects.
        work: Folder of localisers, the same for every strategy, and the digest of the code.

    Returns:
        One job for each fold, on all training subjects of that fold, independent of the strategy's own
        cohort; empty for full images.

    Raises:
        InvalidParameterError: A requested fold does not exist.
    """
    if strategy.input == "full":
        return ()
    names = {fold: run_name(plans.seed, fold) for fold in chosen_folds(splits, fits)}
    return tuple(
        FitJob(
            name=name,
            folder=work.path / name,
            tensors=tensors,
            training_subjects=subjects_in(splits, TRAIN, fold),
            plans=plans.network,
            training=plans.training,
            sampler=SAMPLERS["random"],
            reduction=plans.reduction,
            seed=plans.seed,
            fold=fold,
            code=work.code,
        )
        for fold, name in names.items()
    )
