"""Show the progress of a study that runs in another process: node and pipeline."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import fmean

import click
import pandas as pd
from kedro.pipeline import Pipeline, node, pipeline

from faircmr.core.host import DEAD_AFTER, Holder
from faircmr.datasets import WatchedFits
from faircmr.estimation import LOCALISER, PlannedFit, PlannedFits, job_digest
from faircmr.mitigation import FitsParameters, StrategyParameters
from faircmr.reporting import NOBODY, FitRow, render_status
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.localiser import LocaliserPlans
from faircmr.segmentation.network import Plans
from faircmr.segmentation.training import FitFiles, FitState, read_fit_files

HELD = frozenset({FitState.RUNNING, FitState.SILENT})


def status_text(watched: WatchedFits, planned: Iterable[PlannedFits], groups: Mapping[str, str]) -> str:
    """Where every fit of a study stands.

    Args:
        watched: Where fits work.
        planned: Fits of each strategy, those of its localisers first.
        groups: Protected group of each subject, by study key.
    """
    now = datetime.now().astimezone()
    fits = {fit.place: fit for one in planned for fit in one.fits}
    in_order = sorted(fits.values(), key=lambda fit: fit.strategy != LOCALISER)
    found = {fit.place: read_fit_files(_folder(watched, fit)) for fit in in_order}
    codes = _latest_codes((fit.strategy, found[fit.place]) for fit in in_order)
    rows = [_row(fit, found[fit.place], codes[fit.strategy], groups, now.timestamp()) for fit in in_order]
    return render_status(rows, now, DEAD_AFTER)


def _folder(watched: WatchedFits, fit: PlannedFit) -> Path:
    return (watched.localisers if fit.strategy == LOCALISER else watched.path / fit.strategy) / fit.name


def _latest_codes(found: Iterable[tuple[str, FitFiles]]) -> dict[str, str]:
    """Code of the fit that was begun last, of each strategy: a run fits all of them by the same code."""
    latest: dict[str, tuple[float, str]] = defaultdict(lambda: (0.0, ""))
    for strategy, files in found:
        if files.job is not None:
            latest[strategy] = max(latest[strategy], (files.job_written, str(files.job.get("code", ""))))
        else:
            latest.setdefault(strategy, (0.0, ""))
    return {strategy: code for strategy, (_, code) in latest.items()}


def _row(fit: PlannedFit, files: FitFiles, code: str, groups: Mapping[str, str], now: float) -> FitRow:
    state, progress = files.state(now), files.progress
    validation = progress.validation if progress else None
    # subjects that have left the study are passed over
    dsc = {one: value for one, value in (validation.dsc if validation else {}).items() if one in groups}
    return FitRow(
        strategy=fit.strategy,
        fit=fit.name,
        state=", ".join([state, *_differences(fit, files, code)]),
        epoch=_epoch(fit, files, state),
        epochs=fit.epochs,
        seconds_left=_seconds_left(files, state, now),
        validated=validation.epoch if validation else None,
        dsc=_by_group(dsc, groups),
        everybody=fmean(dsc.values()) if dsc else math.nan,
        by=_named(files.holder) if files.holder and state in HELD else NOBODY,
    )


def _differences(fit: PlannedFit, files: FitFiles, code: str) -> list[str]:
    if files.job is None:
        return []
    settings = ["other settings"] if job_digest(files.job) != fit.digest else []
    # without code in the latest one, work of any code is gone on with
    return settings + (["other code"] if code and files.job.get("code", "") != code else [])


def _epoch(fit: PlannedFit, files: FitFiles, state: FitState) -> int | None:
    if files.progress is not None:
        return files.progress.epoch
    if state is FitState.FINISHED:
        return fit.epochs
    return 0 if state in {FitState.WAITING, FitState.RUNNING} else None


def _seconds_left(files: FitFiles, state: FitState, now: float) -> float | None:
    if files.progress is None or state is FitState.FINISHED:
        return None
    passed = now - files.progress_written if state is FitState.RUNNING else 0.0
    return files.progress.seconds_left - passed


def _by_group(dsc: Mapping[str, float], groups: Mapping[str, str]) -> dict[str, float]:
    by_group: dict[str, list[float]] = defaultdict(list)
    for subject_id, value in dsc.items():
        by_group[groups[subject_id]].append(value)
    return {group: fmean(values) for group, values in by_group.items()}


def _named(holder: Holder) -> str:
    return f"pid {holder.pid} on {holder.host} since {holder.since}"


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
    from faircmr.estimation import plan_fits

    # Kedro makes models of what it finds by name in the signature, and leaves the others as they are
    asked = (StrategyParameters.model_validate(strategies[name]) for name in strategies if name in watched_fits.begun)
    planned = [plan_fits(one, subjects, splits, plans, localiser_plans, training, fits) for one in asked]
    groups = dict(zip(subjects["subject_id"], subjects["protected_group"], strict=True))
    click.echo(status_text(watched_fits, planned, groups))


def create_pipeline(strategies: Sequence[str]) -> Pipeline:
    """One node without outputs, which Kedro runs every time.

    It brings no other pipeline with it: subjects, splits and plans are read as they lie there, and the run that it
    watches is not disturbed.

    Args:
        strategies: In the order of the table.
    """
    read = ("watched_fits", "subjects", "splits", "plans", "localiser_plans")
    inputs = {name: name for name in read} | {name: f"params:{name}" for name in ("training", "fits")}
    own = {strategy: f"params:{strategy}.strategy" for strategy in strategies}
    return pipeline([node(show_status, {**inputs, **own}, None, name="show_status", tags=["status", "cpu"])])
