"""Audit tables of group differences adjusted for covariates, by regression and by matching."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from faircmr.core import InvalidScoresError
from faircmr.fairness.adjustment import (
    CONFOUNDERS,
    MEDIATORS,
    UNADJUSTED,
    UNKNOWN,
    Adjusted,
    Covariates,
    Draws,
    PairedDifference,
    Pairs,
    Sample,
    adjusted_models,
    paired_difference,
    pairs_of,
    sample_of,
)
from faircmr.fairness.audit.comparison import INTERSECTION_SEPARATOR, AuditDraws
from faircmr.fairness.audit.parameters import AuditParameters
from faircmr.fairness.inference import holm

GROUP = "group"
ADJUSTED_COLUMNS = [
    "model",
    "attribute",
    "adjustment",
    "group",
    "n",
    "difference",
    "low",
    "high",
    "p",
    "p_all_groups",
    "p_holm",
]


def adjusted_table(found: Sequence[AuditDraws], attributes: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """One row a model, adjustment and group.

    Args:
        found: Answers by one attribute.
        attributes: Of the subjects, index ``subject_id``; has every covariate that is asked for.

    Returns:
        In points: ``model``, ``attribute``, ``adjustment`` (``none``, ``confounders``, ``confounders and mediators``,
        all of the same subjects: those of whom every covariate is recorded), ``group``, ``n``, ``difference`` from
        everybody else with its interval ``low`` to ``high``, ``p`` and ``p_all_groups`` of shuffled residuals,
        and ``p_holm``, adjusted over groups and models within an adjustment. No rows where no covariate is asked for,
        and for pairs of attributes. Then sentences about who was left out, and where groups barely overlap.

    Raises:
        InvalidParameterError: A covariate is unknown or cannot be used.
    """
    parts: list[pd.DataFrame] = []
    notes: list[str] = []
    for one in found:
        results = _results(one, attributes, notes)
        parts += [
            _adjusted_rows(result).assign(model=model, attribute=one.compared.attribute) for model, result in results
        ]
    if not parts:
        return pd.DataFrame(columns=ADJUSTED_COLUMNS), notes
    table = pd.concat(parts, ignore_index=True)
    adjusted = table.groupby("adjustment", sort=False)["p"].transform(lambda p: holm(p.to_numpy()))
    return table.assign(p_holm=adjusted)[ADJUSTED_COLUMNS], notes


def _results(found: AuditDraws, attributes: pd.DataFrame, notes: list[str]) -> list[tuple[str, Adjusted]]:
    """Of each model; what there is to say is of the subjects, who are the same for all of them, and is said once."""
    compared, asked, cohort = found.compared, found.parameters, found.compared.cohort
    covariates = covariates_asked(attributes, asked, compared.attribute)
    if INTERSECTION_SEPARATOR in compared.attribute or not covariates.names:
        return []
    where = f"{', '.join(cohort.models)} by {compared.attribute}, adjusted"
    scores = [pd.Series(values, cohort.subjects) for values in cohort.values]
    draws = Draws(asked.draws, asked.seed, asked.alpha)
    of_subjects = (compared.grouping.labels, attributes.loc[cohort.subjects], covariates)
    try:
        results = adjusted_models(scores, *of_subjects, draws, asked.min_group_size)
    except InvalidScoresError as error:
        notes.append(f"{where}: {error}.")
        return []
    notes += _notes(where, results[0])
    return list(zip(cohort.models, results, strict=True))


def covariates_asked(attributes: pd.DataFrame, asked: AuditParameters, attribute: str) -> Covariates:
    """What groups of an attribute are to be alike in; an attribute is not adjusted for itself.

    Raises:
        InvalidParameterError: There is no such column, or it seems to be of numbers and some cannot be read.
    """
    confounders = [name for name in dict.fromkeys(asked.covariates) if name != attribute]
    # an attribute that is audited is a grouping, whatever its codes look like
    found = Covariates.by_type(attributes, confounders, {*asked.categorical, *asked.attributes})
    return Covariates(numeric=found.numeric, categorical=found.categorical, mediators=asked.mediators)


def _adjusted_rows(result: Adjusted) -> pd.DataFrame:
    of_all = result.ancova[result.ancova["term"] == GROUP].set_index("adjustment")["p"]
    rows = result.differences.assign(p_all_groups=result.differences["adjustment"].map(of_all))
    return rows.assign(**{name: 100.0 * rows[name] for name in ("difference", "low", "high")})


def _notes(where: str, result: Adjusted) -> Iterator[str]:
    if result.left_out:
        yield (
            f"{where}: {result.left_out} subjects are left out, and so are they from the row '{UNADJUSTED}' of the "
            "same table: their group or a covariate is not recorded, or their group is then too small."
        )
    for row in result.exclusions[result.exclusions["what"] == "covariate"].itertuples(index=False):
        yield f"{where}: {row.name} is not adjusted for: {row.reason}."
    yield from (f"{where}: {warning}." for warning in result.warnings)


UNBALANCED = 0.1
"""SDs of a mean that pairs may differ by and still be called balanced, by a common convention."""
MOST_COMPARISONS = 1_000_000
"""Members times others: the table of their distances grows with the square of a cohort."""
MATCHED_COLUMNS = [
    *("model", "attribute", "matched_on", "group", "n", "pairs", "difference", "low", "high", "p", "p_holm"),
    *("imbalance_before", "imbalance_after", "unbalanced"),
]


@dataclass(frozen=True)
class _Matching:
    """One group beside others."""

    matched_on: str
    group: str
    sample: Sample
    pairs: Pairs


def matched_table(found: Sequence[AuditDraws], attributes: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """One row a model, set of covariates and group.

    Args:
        found: Answers by one attribute.
        attributes: Of the subjects, index ``subject_id``; has every covariate that is asked for.

    Returns:
        In points: ``model``, ``attribute``, ``matched_on`` (``confounders``, ``confounders and mediators``), ``group``,
        ``n`` (members of whom every covariate is recorded: as in the adjusted differences), ``pairs`` (members who
        have somebody like them),
        ``difference`` (mean of member less other) with its interval ``low`` to ``high`` and ``p`` of the paired
        Student t test, ``p_holm`` adjusted over groups and models of the same ``matched_on``; the largest
        difference of means of any covariate, ``imbalance_before`` and ``imbalance_after`` matching, in SDs; and
        ``unbalanced``, covariates in which pairs differ by 0.1 SD or more on average, each with that, also those that
        they were not matched on, missing where there is none. With fewer pairs
        than the least size of a group there is no interval and no p. No rows where no covariate is asked for, and for
        pairs of attributes. Then sentences about what could not be matched.

    Raises:
        InvalidParameterError: A covariate is unknown or cannot be used.
    """
    notes: list[str] = []
    parts = [row for one in found for each in _matchings(one, attributes, notes) for row in _matched_rows(one, each)]
    if not parts:
        return pd.DataFrame(columns=MATCHED_COLUMNS), notes
    table = pd.DataFrame(parts)
    adjusted = table.groupby("matched_on", sort=False)["p"].transform(lambda p: holm(p.to_numpy()))
    return table.assign(p_holm=adjusted)[MATCHED_COLUMNS], notes


def _matchings(found: AuditDraws, attributes: pd.DataFrame, notes: list[str]) -> Iterator[_Matching]:
    """Of each set of covariates and group; who is beside whom does not depend on the model."""
    compared, asked = found.compared, found.parameters
    covariates = covariates_asked(attributes, asked, compared.attribute)
    if INTERSECTION_SEPARATOR in compared.attribute or not covariates.names:
        return
    first = pd.Series(compared.cohort.values[0], compared.cohort.subjects)
    try:
        sample = sample_of(
            first, compared.grouping.labels, attributes.loc[first.index], covariates, asked.min_group_size
        )
    except InvalidScoresError:
        # the adjusted differences are of the same subjects, and say that there are none
        return
    few_enough = [
        name for name, size in zip(sample.groups.names, sample.groups.sizes, strict=True) if _few(size, sample)
    ]
    if left := [name for name in sample.groups.names if name not in few_enough]:
        notes.append(f"By {compared.attribute}, {', '.join(left)} and all others are too many to be matched.")
    for matched_on, chosen in _sets(covariates):
        for group in few_enough:
            yield _Matching(matched_on, group, sample, pairs_of(sample, chosen, group, asked.seed))


def _few(size: int, sample: Sample) -> bool:
    return size * (len(sample.values) - size) <= MOST_COMPARISONS


def _sets(covariates: Covariates) -> Iterator[tuple[str, Covariates]]:
    confounders = covariates.model_copy(update={"mediators": ()})
    if confounders.names:
        yield CONFOUNDERS, confounders
    if covariates.mediators:
        yield MEDIATORS, covariates


def _matched_rows(found: AuditDraws, matching: _Matching) -> Iterator[dict[str, object]]:
    pairs, cohort, asked = matching.pairs, found.compared.cohort, found.parameters
    described = {"matched_on": matching.matched_on, "group": matching.group, **_counted(pairs), **_balance(pairs)}
    values = pd.DataFrame(cohort.values.T, cohort.subjects, cohort.models).loc[matching.sample.scores.index].to_numpy()
    differences = values[pairs.member] - values[pairs.other]
    for model, of_model in zip(cohort.models, differences.T, strict=True):
        judged = paired_difference(100.0 * of_model, asked.confidence)
        if len(of_model) < asked.min_group_size:
            judged = PairedDifference(judged.difference, UNKNOWN, UNKNOWN, UNKNOWN)
        yield {"model": model, "attribute": found.compared.attribute, **described, **judged._asdict()}


def _counted(pairs: Pairs) -> dict[str, object]:
    return {"n": len(pairs.member) + pairs.unmatched, "pairs": len(pairs.member)}


def _balance(pairs: Pairs) -> dict[str, object]:
    sizes = pairs.balance.set_index("covariate").abs()
    after = pairs.balance.set_index("covariate")["after"]
    apart = after[after.abs() >= UNBALANCED]
    return {
        "imbalance_before": sizes["before"].max(),
        "imbalance_after": sizes["after"].max(),
        # missing and not empty: a table that is saved and read again knows no empty text
        "unbalanced": ", ".join(f"{name} {value:.2f}" for name, value in apart.items()) or None,
    }
