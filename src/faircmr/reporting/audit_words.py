"""What the page of an audit says whatever the numbers are."""

from __future__ import annotations

CAUTION = (
    "Is every group segmented as well as the others, and how sure is that? "
    "“Insufficient evidence” means that neither a difference nor its absence was shown: it does not mean fair. "
    "Only “equivalent” says that a group is served as the others are, to within the margin that was declared. "
)
NOTHING_LEFT_OUT = (
    "Nothing was left out: every scored subject is in the demographics with all attributes and covariates that were "
    "asked for, and every subject of the demographics has a score."
)
UNSCORED = (
    "If the model was to segment these subjects, a missing prediction is a failure, and the means on this page are "
    "without it."
)
PARETO = (
    "Mean against SD over groups by {attribute}. To the right is better for all, below is more even. These are "
    "estimates without their intervals: what lies close together is not told apart."
)
READING = {
    "Verdicts": "Each group is compared with all other subjects. Different: a difference was shown (p, Holm, at most "
    "{alpha}). Equivalent: a difference of {margin} or more was ruled out (equivalence p, Holm, at most "
    "{alpha}). Different, within the margin: both. Insufficient evidence: neither, or fewer than {least} subjects; it "
    "never means fair. The smallest detectable difference would be found by one group's test by itself "
    "(before Holm's correction) in 4 of 5 studies of this size.",
    "Disparity": "Avg is the mean of the groups, each counted once. SD is the spread of group means, SER the largest "
    "error over the smallest, gap the best less the worst group. By chance alone all three are above their least value "
    "(0, 1 and 0), the more so the smaller the groups; SD less noise takes that away on average. SD and SER alone rank "
    "nothing: a model that serves everybody badly can have the lowest. Omnibus p: how often groups would look at least "
    "this unequal if all were equal. Equity-scaled by SD: D / (1 + SD), by deviations: D / (1 + sum |D - D_g|), with D "
    "in 0..1 of all subjects and D_g of a group; both share that weakness and cannot be compared with each other.",
    "Groups": "Mean over the subjects of a group; p is of a permutation test against all others, and Holm's correction "
    "counts all groups and models of the attribute. A dash: too few subjects, or scores that do not vary.",
    "Size": "Hedges' g is the difference from all others in units of the spread between subjects; where one side is "
    "much the larger, of that side. Chance of the higher score: of one person of the group and one of all others, "
    "both drawn by lot, how often the first is scored higher, ties counted half; 50 % is even. Both say how far "
    "people overlap; their intervals are approximate where groups are small, and verdicts rest on the tests above. "
    "Whether a difference matters is for the margin to say, not for its size in SDs.",
    "Changes": "Each subject is compared with itself under the baseline. Higher or lower: the interval holds no 0. "
    "Levelling down: a group is served worse while SD has fallen, so that evenness was bought with somebody's loss. "
    "Worst group: whichever is the worst before and after. Not paired: subjects that one of both models did not score. "
    "Intervals are over new trainings too where model and baseline were trained equally often, three times at least; "
    "otherwise they are conditional on these trained models. p always is, and errs where changes are skewed and "
    "subjects few (20 % instead of 5 % for nine subjects of skewness -4): read the interval.",
    "Covariates": "One linear model an adjustment, of subjects of whom all is recorded. What vanishes is explained, "
    "and is still there for those people: mediators (the size of a heart) are ways in which a group may be worse off.",
    "Pairs": "Each member of a group beside one of all others, of the same category in every covariate and within "
    "half an SD in every number; nobody is used twice. Members without anybody like them are left out: with few pairs "
    "of many members the row is of other people than the group. A group of more than half cannot have a pair for "
    "each. Pairs are alike in what was recorded and in nothing else. Imbalance: difference of means in SDs, also in "
    "mediators that pairs were not matched on; named from 0.1 on. p is of the paired t test, approximate for few or "
    "skewed pairs; with fewer pairs than {least} there is none.",
    "Intervals": "A {confidence} interval holds the true value in about {confidence} of such studies, within what its "
    "scope names. Those of SD, SER, gap and worst group hold at once, and are wide for it. ∞: the data give no bound.",
}
"""How to read each table, in the words of the questions."""
