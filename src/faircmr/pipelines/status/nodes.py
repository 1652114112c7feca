"""Node of status: list every fit, look into its folder, and print."""

from __future__ import annotations

import click
import pandas as pd

from faircmr.datasets.watched_fits import WatchedFits
from faircmr.mitigation.parameters import FitsParameters, StrategyParameters
from faircmr.segmentation.localisation import LocaliserPlans
from faircmr.segmentation.parameters import TrainingParameters
from faircmr.segmentation.plans import Plans


def show_status(
    watched_fits: WatchedFits,
    subjects: pd.DataFrame,
    splits: pd.DataFrame,
    plans: Plans,
    localiser_plans: LocaliserPlans,
    training: TrainingParameters,
    fits: FitsParameters,
    **strategies: StrategyParameters,
) -> None:
    """Print where every fit stands, from files alone; nothing is written."""
    from faircmr.estimation.listing import plan_fits
    from faircmr.pipelines.status.rows import status_text

    # Kedro makes models of what it finds by name in the signature, and leaves the others as they are
    asked = (StrategyParameters.model_validate(strategies[name]) for name in strategies if name in watched_fits.begun)
    planned = [plan_fits(one, subjects, splits, plans, localiser_plans, training, fits) for one in asked]
    groups = dict(zip(subjects["subject_id"], subjects["protected_group"], strict=True))
    click.echo(status_text(watched_fits, planned, groups))
