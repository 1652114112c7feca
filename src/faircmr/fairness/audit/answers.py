"""What the draws say of some models by one attribute; every table reads from it, so that nothing is drawn twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from faircmr.core.errors import InvalidParameterError
from faircmr.fairness.audit.comparison import Compared
from faircmr.fairness.audit.parameters import AuditParameters
from faircmr.fairness.inference.bootstrap_t import GroupBootstrap
from faircmr.fairness.inference.crossed_seeds import bootstrap_t_over_seeds
from faircmr.fairness.inference.equivalence import EquivalenceTests, equivalence_tests
from faircmr.fairness.inference.interval import Interval
from faircmr.fairness.inference.permutation import PermutationTests, permutation_tests


@dataclass(frozen=True)
class Answers:
    """Answers to the declared questions.

    Attributes:
        compared: Of whom.
        parameters: The questions.
        bootstrap: Of group means, shapes ``(models, groups)``.
        region: Intervals of the group means that hold all at once, for each model.
        tests: That groups are equal.
        equivalence: That groups are apart by the margin or more.
    """

    compared: Compared
    parameters: AuditParameters
    bootstrap: GroupBootstrap
    region: Interval
    tests: PermutationTests
    equivalence: EquivalenceTests


def answers(compared: Compared, parameters: AuditParameters) -> Answers:
    """Draw subjects, trainings and memberships, once for all models that share their subjects.

    Raises:
        InvalidParameterError: So few draws that there are no intervals of all groups at once.
    """
    least = _fewest_draws(len(compared.groups.names), parameters.alpha)
    if parameters.draws < least:
        permitted = f"at least {least} for {len(compared.groups.names)} groups by {compared.attribute}"
        raise InvalidParameterError("audit.draws", parameters.draws, permitted, "raise it; 10,000 take seconds")
    values, groups, draws, seed = compared.values, compared.groups, parameters.draws, parameters.seed
    bootstrap = bootstrap_t_over_seeds(compared.by_seed, groups, draws, seed)
    return Answers(
        compared,
        parameters,
        bootstrap,
        bootstrap.region(parameters.confidence),
        permutation_tests(values, groups, draws, seed),
        equivalence_tests(values, groups, draws, seed, parameters.margin),
    )


def too_few_draws(alike: Sequence[Compared], parameters: AuditParameters) -> Iterator[str]:
    """A sentence if no difference by an attribute could be found, whatever the scores are.

    Args:
        alike: All models by one attribute, whose tests are one family.
        parameters: The questions.
    """
    tests = sum(len(one.cohort.models) * len(one.groups.names) for one in alike)
    least = _fewest_draws(tests, parameters.alpha)
    if parameters.draws < least:
        yield (
            f"{alike[0].attribute}: with {parameters.draws} draws none of {tests} tests against the others can reach "
            f"{parameters.alpha:g} after Holm's correction; set audit.draws to {least} at least."
        )


def _fewest_draws(tests: int, alpha: float) -> int:
    """Draws with which the smallest two-sided p value is at most ``alpha`` after Holm's correction.

    As many are enough for intervals of that many groups that hold at once.
    """
    return ceil(2.0 * tests / alpha)
