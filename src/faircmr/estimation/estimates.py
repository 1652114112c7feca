"""Estimate hours, memory and disk of every fit from measured step costs, then sum them by strategy and study."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd

from faircmr.core import InvalidCohortError, InvalidParameterError, nearest_name
from faircmr.estimation.costs import StepKind
from faircmr.estimation.listing import PlannedFit, PlannedFits, job_digest

logger = logging.getLogger(__name__)

SECONDS_AN_HOUR, MIB = 3600, 2**20
STUDY = "study"
COLUMNS = {
    "level": "str",
    "strategy": "str",
    "fit": "str",
    "seed": "Int64",
    "fold": "Int64",
    "serves": "str",
    "training_subjects": "Int64",
    "validation_subjects": "Int64",
    "epochs": "Int64",
    "steps": "Int64",
    "batch": "Int64",
    "patch": "str",
    "weights": "Int64",
    "seconds_a_step": "float64",
    "hours": "float64",
    "memory_mib": "float64",
    "weights_bytes": "Int64",
    "checkpoints_bytes": "Int64",
    "fits": "Int64",
    "finished": "Int64",
    "hours_left": "float64",
    "measured_steps": "Int64",
    "device": "str",
    "threads": "Int64",
    "machine": "str",
    "reason": "str",
}
"""Columns of the table and their types; ``level`` is ``fit``, ``strategy``, ``total`` (of several) or ``study``."""


def merged_kinds(planned: Iterable[PlannedFits]) -> list[StepKind]:
    """Step kinds of all strategies, each once."""
    return list({kind.name: kind for each in planned for kind in each.kinds}.values())


def estimate_fits(
    planned: Mapping[str, PlannedFits],
    costs: pd.DataFrame,
    finished: Mapping[str, str],
    totals: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """Estimate the time, memory and disk space of every fit, every strategy and the study.

    Args:
        planned: Fits by strategy. Localisers that several of them list are counted once, for themselves.
        costs: One row a kind of step, as :func:`~faircmr.estimation.cost_table` makes it.
        finished: JSON of the jobs of finished fits by place, e.g. ``baseline/seed-0/shared``.
        totals: Strategies of each further sum. Localisers belong to none of them.

    Returns:
        Columns of :data:`COLUMNS`. Fits in the order of the strategies, then a sum a strategy, the further sums, and
        the study. ``hours`` are of all steps, validations and checkpoints, one fit after the other on one device;
        ``hours_left`` without fits that are finished; ``finished`` counts those, by whatever code. ``memory_mib`` and
        ``checkpoints_bytes`` of a sum are those of the largest fit. ``seconds_a_step`` of a fit with two kinds of
        steps, and of a sum, is a mean over steps. Missing where a kind could not be measured.

        A strategy that cannot be trained on this cohort has a row of level ``strategy`` with no fits and its
        ``reason``, and is logged.

    Raises:
        InvalidParameterError: A sum names a strategy that there is not.
        InvalidCohortError: No strategy can be trained on this cohort.
    """
    fits = list({fit.place: fit for each in planned.values() for fit in each.fits}.values())
    impossible = _impossible_fit_rows(planned)
    if not fits:
        raise InvalidCohortError("strategies", f"none can be trained; {impossible[0]['reason']}", "at least one")
    digests = {place: job_digest(json.loads(job)) for place, job in finished.items()}
    measured = costs.set_index("kind")
    rows = pd.DataFrame([_fit_row(fit, measured, digests.get(fit.place) == fit.digest) for fit in fits])
    table = pd.concat([rows, pd.DataFrame([*impossible, *_sum_rows(rows, planned, totals)])], ignore_index=True)
    described = {name: costs[name].dropna().iloc[0] for name in ("device", "machine") if costs[name].notna().any()}
    return table.assign(**described).reindex(columns=list(COLUMNS)).astype(COLUMNS)


def _impossible_fit_rows(planned: Mapping[str, PlannedFits]) -> list[dict[str, object]]:
    reasons = {name: each.reason for name, each in planned.items() if each.reason}
    for name, reason in reasons.items():
        logger.warning("%s is not estimated: it cannot be trained on this cohort: %s", name, reason)
    return [
        {"level": "strategy", "strategy": name, "fits": 0, "finished": 0, "reason": reason}
        for name, reason in reasons.items()
    ]


def _fit_row(fit: PlannedFit, costs: pd.DataFrame, finished: bool) -> dict[str, object]:  # noqa: FBT001 - a column
    own = costs.loc[[part.kind for part in fit.parts]]
    steps = [part.steps for part in fit.parts]
    seconds = sum(each * one for each, one in zip(own["seconds"], steps, strict=True))
    # the last part validates and writes like the others, within what one measurement can tell
    extra = fit.validations * own["validation_seconds"].iloc[-1] + fit.epochs * own["checkpoint_seconds"].iloc[-1]
    hours = (seconds + extra) / SECONDS_AN_HOUR
    return {
        "level": "fit",
        "strategy": fit.strategy,
        "fit": fit.name,
        "seed": fit.seed,
        "fold": fit.fold,
        "serves": fit.serves,
        "training_subjects": fit.training_subjects,
        "validation_subjects": fit.validation_subjects,
        "epochs": fit.epochs,
        "steps": sum(steps),
        "batch": fit.batch,
        "patch": f"{fit.patch[0]} x {fit.patch[1]}",
        "seconds_a_step": seconds / sum(steps),
        "hours": hours,
        "memory_mib": own["memory_bytes"].max(skipna=False) / MIB,
        **{name: own[name].max(skipna=False) for name in ("weights", "weights_bytes", "checkpoints_bytes")},
        "fits": 1,
        "finished": int(finished),
        "hours_left": 0.0 if finished else hours,
        "measured_steps": own["steps"].min(),
        "threads": own["threads"].iloc[0],
    }


def _sum_rows(
    rows: pd.DataFrame, strategies: Iterable[str], totals: Mapping[str, Sequence[str]]
) -> Iterator[dict[str, object]]:
    for strategy in rows["strategy"].unique():
        yield _sum_row(rows[rows["strategy"] == strategy], "strategy", str(strategy))
    for name, members in totals.items():
        for member in members:
            _check_known(member, name, list(strategies))
        yield _sum_row(rows[rows["strategy"].isin(members)], "total", name)
    yield _sum_row(rows, STUDY, STUDY)


def _sum_row(rows: pd.DataFrame, level: str, name: str) -> dict[str, object]:
    seconds = (rows["seconds_a_step"] * rows["steps"]).sum(skipna=False)
    steps = rows["steps"].sum()
    return {
        "level": level,
        "strategy": name,
        "seconds_a_step": seconds / steps if steps else math.nan,
        **{one: rows[one].sum(skipna=False) for one in ("epochs", "steps", "hours", "hours_left", "weights_bytes")},
        **{one: rows[one].max(skipna=False) for one in ("memory_mib", "checkpoints_bytes")},
        **{one: rows[one].sum() for one in ("fits", "finished")},
        "threads": rows["threads"].max(),
    }


def _check_known(strategy: str, total: str, known: Sequence[str]) -> None:
    if strategy not in known:
        remedy = f"did you mean {nearest_name(strategy, known)}?"
        raise InvalidParameterError(f"estimate.totals.{total}", strategy, f"one of: {', '.join(known)}", remedy)
