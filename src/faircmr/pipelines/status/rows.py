"""Planned fits beside what lies in their folders."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from statistics import fmean

from faircmr.core.holders import Holder
from faircmr.core.leases import DEAD_AFTER
from faircmr.datasets.watched_fits import WatchedFits
from faircmr.estimation.finished import job_digest
from faircmr.estimation.listing import LOCALISER, PlannedFit, PlannedFits
from faircmr.reporting.status_table import NOBODY, FitRow, render_status
from faircmr.segmentation.fit_status import FitFiles, State, look_at

HELD = frozenset({State.RUNNING, State.SILENT})


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
    found = {fit.place: look_at(_folder(watched, fit)) for fit in in_order}
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
            latest[strategy] = max(latest[strategy], (files.begun, str(files.job.get("code", ""))))
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


def _epoch(fit: PlannedFit, files: FitFiles, state: State) -> int | None:
    if files.progress is not None:
        return files.progress.epoch
    if state is State.FINISHED:
        return fit.epochs
    return 0 if state in {State.WAITING, State.RUNNING} else None


def _seconds_left(files: FitFiles, state: State, now: float) -> float | None:
    if files.progress is None or state is State.FINISHED:
        return None
    passed = now - files.told if state is State.RUNNING else 0.0
    return files.progress.seconds_left - passed


def _by_group(dsc: Mapping[str, float], groups: Mapping[str, str]) -> dict[str, float]:
    by_group: dict[str, list[float]] = defaultdict(list)
    for subject_id, value in dsc.items():
        by_group[groups[subject_id]].append(value)
    return {group: fmean(values) for group, values in by_group.items()}


def _named(holder: Holder) -> str:
    return f"pid {holder.pid} on {holder.host} since {holder.since}"
