"""Nodes that find the heart for strategies whose input is its region; they do nothing for full images."""

from __future__ import annotations

import pandas as pd

from faircmr.core.splits import TEST, TRAIN, VALIDATION
from faircmr.core.work_folder import WorkFolder
from faircmr.mitigation.parameters import FitsParameters, StrategyParameters
from faircmr.segmentation.localisation import LocaliserParameters, LocaliserPlans
from faircmr.segmentation.models import TrainedModels
from faircmr.segmentation.parameters import TrainingParameters
from faircmr.segmentation.plans import Plans
from faircmr.segmentation.tensors import TensorStore


def plan_localiser(
    scans: pd.DataFrame,
    splits: pd.DataFrame,
    plans: Plans,
    training: TrainingParameters,
    localiser: LocaliserParameters,
) -> LocaliserPlans:
    """Choose the localisers' network from the scans that training may see."""
    from faircmr.segmentation import localisation

    seen = splits.loc[splits["split"].isin([TRAIN, VALIDATION]), "subject_id"]
    return localisation.plan_localiser(scans[scans["subject_id"].isin(seen)], plans, training, localiser)


def train_localiser(
    splits: pd.DataFrame,
    tensors: TensorStore,
    localiser_plans: LocaliserPlans,
    strategy: StrategyParameters,
    fits: FitsParameters,
    work: WorkFolder,
) -> TrainedModels:
    """Train a localiser a fold, once for all strategies that use it."""
    from faircmr.mitigation.heart_region import list_localisers
    from faircmr.pipelines.training.fitting import run_fits

    jobs = list_localisers(strategy, splits, fits, localiser_plans, tensors.folder, work)
    return TrainedModels(folder=work.path, fits=run_fits("localiser", jobs))


def locate_hearts(
    localiser_models: TrainedModels,
    tensors: TensorStore,
    splits: pd.DataFrame,
    plans: Plans,
    localiser: LocaliserParameters,
    training: TrainingParameters,
) -> pd.DataFrame:
    """Find the heart of everybody who is trained, validated or tested."""
    if not localiser_models.fits:
        from faircmr.segmentation.roi_table import roi_table

        return roi_table([])
    from faircmr.segmentation.localisation import looking
    from faircmr.segmentation.localiser import locate_hearts as locate

    everybody = tuple(splits.loc[splits["split"].isin([TRAIN, VALIDATION, TEST]), "subject_id"].drop_duplicates())
    return locate(localiser_models, tensors, lambda _: everybody, plans, localiser, looking(training))


def score_localiser(
    rois: pd.DataFrame, splits: pd.DataFrame, tensors: TensorStore, plans: Plans, subjects: pd.DataFrame
) -> pd.DataFrame:
    """Errors of the localiser by protected group."""
    from faircmr.fairness.localisation import localiser_table
    from faircmr.segmentation.roi_scores import score_rois

    return localiser_table(score_rois(rois, splits, tensors, plans), subjects)
