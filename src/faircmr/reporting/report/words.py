"""Texts of the report that do not depend on its numbers, and descriptions of strategies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from faircmr.mitigation import (
    BalancedCohort,
    FairMetaLearning,
    SizeMatchedCohort,
    SmallestShareCohort,
    StrategyParameters,
    StratifiedBatchSampling,
    TwoStages,
)

CAUTION = (
    "“Insufficient evidence” means that neither a difference nor its absence was shown: it does not mean fair. Nothing "
    "was scored again for this page; every number is in a table of the study's folder 08_reporting."
)
COHORT = (
    "Who is in the study: share, sex and age by {attribute} (the paper's Fig. 2). What a test of this size can show "
    "stands in cohort_report.html."
)
LEFT_OUT_ID = "left-out"
LEFT_OUT = "The numbers on this page are without what was left out ({kinds}): "
NOTHING_LEFT_OUT = (
    "Nothing was left out: every scan, subject and structure of the data set is part of the study, no attribute is "
    "missing, and the strategies that recorded it predicted and scored every test scan."
)
NOT_RECORDED = (
    "What {strategies} left out was not recorded: run the pipelines of these strategies again, e.g. kedro run "
    "--pipelines baseline."
)
STRATEGIES = (
    "What each strategy chooses, from the cohort to the label (after the paper's Fig. 1). Filled, with a blue edge: "
    "not what {first} does. A control does what its neighbour does, without the idea."
)
TABLE_1 = (
    "Table 1 of each strategy: mean over the subjects of a row, and below the average its {confidence} interval. "
    "Marks as in Table 2."
)
TABLE_2 = (
    "Table 2: mean DSC of each group in %, their unweighted mean (Avg), SD over groups in points and SER, with "
    "{confidence} intervals where two groups are large enough. {star} p < 0.01 of the paper's own test, against a full "
    "set that contains the group; "
    "{dagger} different from all others by permutation, after Holm's correction. A low SD beside a low Avg: everybody "
    "got the same, not more."
)
DISPARITY = (
    "SD over groups by {attribute} with its simultaneous {confidence} interval. Grey: where it would lie if all groups "
    "were served alike, by chance in who was tested, groups being as large as they are; chance in training is not in "
    "it."
)
CHANGES = (
    "Change of each group since {baseline}, of the same subjects, with {confidence} intervals. Levelling down: a group "
    "is served worse while the SD over groups fell."
)
SURFACE = "Hausdorff distance (95th percentile) by {attribute}: mean over structures of the median and the quartiles."
AGREEMENT = (
    "{measure}: predicted minus reference. Bias and limits of agreement (bias ± 1.96 SD) by {attribute}; of the first "
    "training seed."
)
CASES = (
    "The best and the worst segmented subjects of each group, of one training. A subject is judged by its lowest DSC "
    "of any structure at ED or ES, which is shown below its image, and not by eye. The slice is the one in which "
    "prediction and reference of that structure differ most. White: the reference. Coloured: the prediction. A worst "
    "case is one person, and no measure of a group."
)
CLASSIFIER = (
    "Rows: the {attribute} of test subjects; columns: what the classifier of {strategy} says, all trainings together. "
    "The darker, the larger the share of the row."
)
COMPARED = (
    "The other study's numbers are its own: other people, or other settings. Nothing here is a test; where intervals "
    "overlap, the studies are not told apart, and where they do not, the cohorts may be why."
)
SMALL = {
    "few": "{group}: {n} scored subjects are too few (fewer than {least}). Its mean is told, and nothing can be said "
    "of it: it could be worse off by any amount.",
    "alone": "{group}: {n} scored subjects, and nothing to compare them with: no other group has {least}, or scores do "
    "not vary.",
    "detectable": "{group}: with {n} scored subjects a difference of less than {gap} points ({strategy}) would be "
    "missed in more than 1 of 5 such studies.",
    "unscored": "{group}: nobody was scored. The study says nothing about this group.",
}
ABSENT = {
    "omissions": "What was left out was not recorded: kedro run --pipelines data_engineering.",
    "demographics": "Who is in the study was not summarised: kedro run --pipelines data_engineering.",
    "choices": "No strategy is registered.",
    "table1": "No strategy has a Table 1 yet: run one, e.g. kedro run --pipelines baseline.",
    "table2": "Strategies were not compared: kedro run --pipelines evaluation.",
    "groups": "The strategies were not audited: kedro run --pipelines evaluation.",
    "changes": "Only one strategy was scored: there is no other one to compare it with.",
    "surface": "Distances between surfaces were not scored.",
    "clinical": "Volumes and ejection fractions were not compared: the study lacks the volumes or the structures for "
    "it.",
    "classifier": "No strategy that was run trains a classifier of the protected group.",
    "cases": "No segmentation is shown: report.examples is 0, or no strategy has predictions.",
    "provenance": "What the study was made with was not recorded.",
    "few_groups": "No two groups are large enough to be compared.",
    "seeds": "One set of predictions each, of one training or of an ensemble: what other training seeds would change "
    "is not known.",
}
READING = {
    "Intervals": "A {confidence} interval holds the true value in about {confidence} of such studies, within what its "
    "scope names. Those of SD, SER and of the worst group hold at once, and are wide for it. Seeds are averaged "
    "within a subject first.",
    "Verdicts": "Different: a difference from all others was shown (p, Holm, at most {alpha}). Equivalent: a "
    "difference of {margin} or more was ruled out. Insufficient evidence: neither.",
    "Asterisks": "The paper's test compares a group with a full set that contains it, and is not corrected for the "
    "number of groups: an asterisk is there for comparison with the paper, the dagger is what the data support.",
    "Surfaces": "HD95: 95 % of the two surfaces lie nearer to each other than this. A structure that was missed or "
    "invented counts with the image's diagonal, so that nothing leaves the mean in silence.",
    "Other attributes": "Pairs of attributes and differences with covariates held equal are in audit.html.",
}
TERMS = {
    "DSC": "Dice similarity coefficient: twice the overlap over the sum of both areas; 100 % is perfect",
    "Avg": "unweighted mean of the groups' means, each group counted once",
    "SD": "standard deviation over the groups' means (ddof = 1), in points; chance alone makes it positive",
    "SER": "skewed error ratio: the largest group's error over the smallest; 1 is even",
    "seeds": "trainings that were averaged",
    "HD95": "95th percentile of the Hausdorff distance, mm",
    "ASSD": "average symmetric surface distance, mm",
    "LVBP": "left-ventricular blood pool",
    "LVM": "left-ventricular myocardium",
    "RVBP": "right-ventricular blood pool",
    "ED": "end diastole",
    "ES": "end systole",
}
"""What the heads of columns mean; shown where they are pointed at or focused."""


AXES = ("cohort", "sampler", "objective", "stages", "input", "output")
COLUMNS = ["strategy", "control", *AXES]


def strategy_choices(strategies: Mapping[str, StrategyParameters]) -> pd.DataFrame:
    """One row a strategy.

    Args:
        strategies: By name, in the order of Table 2.

    Returns:
        ``strategy``, ``control`` (what the strategy is a control of; empty where it is none) and a column an axis, in
        words.
    """
    rows = [(name, control_of(one), *(_words(one, axis) for axis in AXES)) for name, one in strategies.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def control_of(strategy: StrategyParameters) -> str:
    """What a strategy holds equal to another one without its idea; empty where it is no control."""
    if isinstance(strategy.cohort, SmallestShareCohort):
        return "balance by dose"
    if isinstance(strategy.cohort, SizeMatchedCohort):
        return "size of the balanced cohort"
    if isinstance(strategy.stages, TwoStages):
        return "second half of the schedule"
    if isinstance(strategy.objective, FairMetaLearning) and strategy.objective.weight == 0.0:
        return "joint half of the schedule"
    return ""


def _words(strategy: StrategyParameters, axis: str) -> str:
    chosen = getattr(strategy, axis)
    return {"full": "full image", "roi": "heart region"}[chosen] if isinstance(chosen, str) else _with_details(chosen)


def _with_details(chosen: Any) -> str:
    name = str(chosen.kind).replace("_", " ")
    detail = _detail(chosen)
    return f"{name}, {detail}" if detail else name


def _detail(chosen: Any) -> str:
    match chosen:
        case BalancedCohort(within=within) | StratifiedBatchSampling(within=within) if within:
            return f"by {' x '.join(within)} too"
        case SmallestShareCohort(share=share):
            return f"{100 * share:.3g} % a group"
        case FairMetaLearning(weight=weight):
            return f"lambda {weight:g}"
    return ""
