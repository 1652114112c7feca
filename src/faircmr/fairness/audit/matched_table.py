"""Each group beside others who are like them: what is left of a difference without a model of the covariates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from faircmr.core.errors import InvalidScoresError
from faircmr.fairness.adjustment.covariates import Covariates, Sample, sample_of
from faircmr.fairness.adjustment.matching import UNKNOWN, PairedDifference, paired_difference
from faircmr.fairness.adjustment.pairs import Pairs, pairs_of
from faircmr.fairness.adjustment.regression import CONFOUNDERS, MEDIATORS
from faircmr.fairness.audit.adjusted_table import covariates_asked
from faircmr.fairness.audit.answers import Answers
from faircmr.fairness.inference.multiplicity import holm
from faircmr.fairness.intersections import BY

UNBALANCED = 0.1
"""SDs of a mean that pairs may differ by and still be called balanced, by a common convention."""
MOST_COMPARISONS = 1_000_000
"""Members times others: the table of their distances grows with the square of a cohort."""
COLUMNS = [
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


def matched_table(found: Sequence[Answers], attributes: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
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
    parts = [row for one in found for each in _matchings(one, attributes, notes) for row in _rows(one, each)]
    if not parts:
        return pd.DataFrame(columns=COLUMNS), notes
    table = pd.DataFrame(parts)
    adjusted = table.groupby("matched_on", sort=False)["p"].transform(lambda p: holm(p.to_numpy()))
    return table.assign(p_holm=adjusted)[COLUMNS], notes


def _matchings(found: Answers, attributes: pd.DataFrame, notes: list[str]) -> Iterator[_Matching]:
    """Of each set of covariates and group; who is beside whom does not depend on the model."""
    compared, asked = found.compared, found.parameters
    covariates = covariates_asked(attributes, asked, compared.attribute)
    if BY in compared.attribute or not covariates.names:
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


def _rows(found: Answers, matching: _Matching) -> Iterator[dict[str, object]]:
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
