"""A group beside others who are like them, subject by subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from faircmr.fairness.adjustment.covariates import Covariates, sample_of
from faircmr.fairness.adjustment.pairs import CALIPER, pairs_of
from faircmr.fairness.inference.groups import FloatArray

UNKNOWN = float("nan")


class PairedDifference(NamedTuple):
    """Mean of member less other, in the unit of the scores, and how sure it is.

    Attributes:
        difference: NaN without pairs.
        low: Lower end of its interval (paired Student t); NaN with fewer than two pairs, or if all differ alike.
        high: Upper end.
        p: Two-sided.
    """

    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Matched:
    """A group against as many others who are like them.

    Attributes:
        group: Who was matched.
        pairs: ``member``, ``other`` (subject ids) and ``distance`` (root mean square of the differences of
            measurements, in SDs; 0 without measurements), one row a pair.
        unmatched: Members with nobody like them among the rest; what follows says nothing about them.
        balance: As in :class:`faircmr.fairness.adjustment.pairs.Pairs`.
        difference: Mean of member less other, in the unit of the scores; NaN without pairs.
        low: Lower end of its 95 % interval (paired Student t); NaN with fewer than two pairs.
        high: Upper end.
        p: Two-sided, not corrected for the number of groups.
        exclusions: As in :class:`faircmr.fairness.adjustment.covariates.Sample`.
        left_out: Subjects left out before matching, each counted once.
    """

    group: str
    pairs: pd.DataFrame
    unmatched: int
    balance: pd.DataFrame
    difference: float
    low: float
    high: float
    p: float
    exclusions: pd.DataFrame
    left_out: int


def matched_difference(
    scores: pd.Series[float],
    groups: pd.Series[str],
    attributes: pd.DataFrame,
    covariates: Covariates,
    group: str,
    seed: int,
    caliper: float = CALIPER,
) -> Matched:
    """Match each member of a group with one subject of the rest, without replacement.

    Optimal: of all ways to make the most pairs, the one of least total distance. Pairs are equal in every categorical
    covariate and differ by at most ``caliper`` SDs in every measurement, mediators included. Who is equally near is
    chosen by the seed.

    Args:
        scores: Subject means in 0..1, index ``subject_id``.
        groups: Group of each subject, same index; missing where it is not recorded.
        attributes: Has every covariate, same index.
        covariates: What to match on, at least one.
        group: Whom to match.
        seed: The same seed gives the same pairs, whatever the order of rows.
        caliper: In SDs of all subjects; above 0.

    Returns:
        Pairs, balance and the paired difference. The mean is over members who could be matched: where the rest are
        fewer, or differ, that is another and smaller population than the group.

    Raises:
        InvalidScoresError: Scores are missing or outside 0..1.
        InvalidCohortError: The tables are not of the same subjects, each once.
        InvalidParameterError: A covariate cannot be used as declared, there is none, the group has no complete
            subjects, or ``caliper`` is not above 0.
    """
    sample = sample_of(scores, groups, attributes, covariates, fewest=1)
    found = pairs_of(sample, covariates, group, seed, caliper)
    ids, values = sample.scores.index, sample.values
    table = {"member": ids[found.member], "other": ids[found.other], "distance": found.distance}
    return Matched(
        group,
        pd.DataFrame(table),
        found.unmatched,
        found.balance,
        *paired_difference(values[found.member] - values[found.other]),
        sample.exclusions,
        sample.left_out,
    )


def paired_difference(differences: FloatArray, confidence: float = 0.95) -> PairedDifference:
    """Mean of differences within pairs, with the interval and p value of the paired Student t test.

    Args:
        differences: Member less other, shape ``(pairs,)``.
        confidence: Of the interval, above 0 and below 1.
    """
    from scipy.stats import ttest_1samp

    if len(differences) < 2 or np.ptp(differences) == 0:
        return PairedDifference(float(differences.mean()) if len(differences) else UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
    tested = ttest_1samp(differences, 0.0)
    low, high = tested.confidence_interval(confidence)
    return PairedDifference(float(differences.mean()), float(low), float(high), float(tested.pvalue))
