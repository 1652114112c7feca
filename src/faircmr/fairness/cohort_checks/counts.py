"""Limits of the checks of a cohort, and its counts: subjects, missing values, duplicates, detectable gaps."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import combinations
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from faircmr.core import PROTECTED_GROUP, Parameters
from faircmr.core.scans import PAIR_COLUMNS, near_duplicates
from faircmr.core.study import SPLITS, TEST, UNUSED, AttributeParameters
from faircmr.core.user_input import code_text
from faircmr.fairness.audit import AuditParameters
from faircmr.fairness.inference import smallest_detectable_gap

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class CohortCheckParameters(Parameters):
    """From where on a cohort is warned of. The size of a group, alpha, draws and seed are those of the audit.

    Attributes:
        score_sd: SD over subjects of the score that will be audited, in points, which the power is computed with.
            The paper prints none; 2.5 is what the audit's own tests were measured with (docs/decisions/0021). Twice
            the SD, twice the gap.
        power: Share of studies that are to find a gap.
        largest_detectable_gap: A gap, in points, that the test set must be able to find. The paper's baseline is 5 to
            10 points worse for the smallest groups; a reader cares for less.
        training_subjects: Fewest training subjects of a protected group, in every fold. A convention, not a measured
            limit.
        training_imbalance: How many times as many training subjects the largest group may have as the smallest. In the
            paper White subjects are four of five, and the smallest groups are served worst.
        missing: Share of missing values of a column within a group above which a complete-case analysis is of
            somebody else.
        standardised_difference: Smallest difference of a group from the rest, in SD, that is worth a word: Cohen's
            "small effect". With thousands of subjects anything is significant.
        duplicate_distance: Largest distance of two descriptors that counts as one image; see
            :func:`faircmr.core.scans.near_duplicates` for the distances that were measured.
        truncated: Share of scans whose label touches a side of the image.
        open_ended: Share of scans whose label reaches the outermost slice at the base or at the apex. Stacks that
            were cut to the heart (ACDC: 82 %) have many, so that volumes are lower bounds.
        labels_swapped: Share of scans whose label shows another structure than LVBP enclosed by another than LVM; none
            of 100 scans of ACDC does. Above one half the check fails.
        saturated: Share of voxels at the largest value, mean over scans. Exports that clip at percentile 99 have 0.01.
        quarantined: Share of the subjects that cannot be used.
    """

    score_sd: float = Field(default=2.5, gt=0.0)
    power: float = Field(default=0.8, gt=0.5, lt=1.0)
    largest_detectable_gap: float = Field(default=3.0, gt=0.0)
    training_subjects: int = Field(default=10, ge=1)
    training_imbalance: float = Field(default=10.0, ge=1.0)
    missing: Share = 0.05
    standardised_difference: float = Field(default=0.2, ge=0.0)
    duplicate_distance: float = Field(default=0.1, gt=0.0)
    truncated: Share = 0.02
    open_ended: Share = 0.5
    labels_swapped: Share = 0.02
    saturated: Share = 0.02
    quarantined: Share = 0.02


EVERYBODY, UNKNOWN = "all", "(not known)"
SEX = "sex"
COUNT_COLUMNS = ("fold", "attribute", "group", "sex", *SPLITS, "total")


def split_counts(subjects: pd.DataFrame, splits: pd.DataFrame, attributes: AttributeParameters) -> pd.DataFrame:
    """Subjects by group and part of the study.

    Args:
        subjects: Subject index.
        splits: ``subject_id``, ``split``, and with cross-validation ``fold``.
        attributes: Protected and reported attributes.

    Returns:
        One row a fold, attribute and group: ``fold`` (missing without cross-validation), ``attribute``, ``group``,
        ``sex`` (``all``; of the protected attribute each sex too, where the study has it as another attribute),
        ``train``, ``validation``, ``test``, ``unused`` and ``total``.
    """
    joined = splits.merge(subjects, on="subject_id", validate="many_to_one")
    crossed = attributes.protected_attribute if SEX in subjects and attributes.protected_attribute != SEX else None
    if "fold" not in joined:
        joined["fold"] = pd.NA
    named = {attributes.protected_attribute: PROTECTED_GROUP, **{name: name for name in attributes.reported}}
    parts = [
        _counted(members, column).assign(fold=fold, attribute=attribute, sex=sex)
        for fold, rows in joined.groupby("fold", dropna=False)
        for attribute, column in named.items()
        for sex, members in _sexes(rows, crossed=attribute == crossed)
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.astype({"fold": "Int64"})[list(COUNT_COLUMNS)]


def missing_values(subjects: pd.DataFrame, scans: pd.DataFrame) -> pd.DataFrame:
    """Of how many subjects of each group a value or a label is missing.

    Args:
        subjects: Subject index.
        scans: ``subject_id``, ``phase`` and ``labelled``.

    Returns:
        One row a column and group: ``column`` (an attribute, or ``label ED``, ``label ES``), ``group``, ``n``,
        ``missing`` and ``percent``.
    """
    labelled = scans[scans["labelled"]].assign(yes=1.0).pivot_table(index="subject_id", columns="phase", values="yes")
    known = subjects.drop(columns=[PROTECTED_GROUP]).set_index("subject_id")
    labels = labelled.reindex(index=known.index, columns=sorted(scans["phase"].unique())).add_prefix("label ")
    absent = known.join(labels).isna()
    of_group = absent.groupby(subjects.set_index("subject_id")[PROTECTED_GROUP])
    sizes = of_group.size()
    table = of_group.sum().reset_index().melt(id_vars=PROTECTED_GROUP, var_name="column", value_name="missing")
    table = table.rename(columns={PROTECTED_GROUP: "group"})
    table["n"] = table["group"].map(sizes)
    table["percent"] = 100.0 * table["missing"] / table["n"]
    return table[["column", "group", "n", "missing", "percent"]]


def quarantined_by_group(quarantine: pd.DataFrame, everybody: pd.DataFrame, protected_attribute: str) -> pd.DataFrame:
    """Subjects that cannot be used, by reason and group: whom the study loses.

    Args:
        quarantine: ``subject_id``, ``phase``, ``reason``; one row a scan.
        everybody: ``subject_id`` and the protected attribute of all that the source lists.
        protected_attribute: Its column.

    Returns:
        One row a reason and group: ``reason``, ``group``, ``subjects`` and ``percent`` of the group; a subject
        counts once, for its first reason.
    """
    groups = code_text(everybody.set_index("subject_id")[protected_attribute])
    sizes = groups.fillna(UNKNOWN).value_counts()
    once = quarantine.drop_duplicates("subject_id")
    named = once.assign(group=once["subject_id"].map(groups).astype("str").fillna(UNKNOWN))
    table = named.groupby(["reason", "group"], sort=True).size().rename("subjects").reset_index()
    table["percent"] = 100.0 * table["subjects"] / table["group"].map(sizes).astype("float64")
    return table


def _sexes(rows: pd.DataFrame, *, crossed: bool) -> Iterator[tuple[str, pd.DataFrame]]:
    yield EVERYBODY, rows
    if crossed:
        known = code_text(rows[SEX]).fillna(UNKNOWN)
        yield from ((sex, rows[known == sex]) for sex in sorted(known.unique()))


def _counted(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    groups = code_text(rows[column]).fillna(UNKNOWN)
    counts = pd.crosstab(groups, rows["split"]).reindex(columns=list(SPLITS), fill_value=0)
    counts["total"] = counts.sum(axis=1)
    return counts.rename_axis(index="group", columns=None).reset_index()


PERSON = "person"
"""Attribute in which a source may say that two of its subjects are one person: equal values, whatever they are."""
ONE_PERSON = "one person"


def find_pairs(
    described: pd.DataFrame, everybody: pd.DataFrame, splits: pd.DataFrame, largest_distance: float
) -> pd.DataFrame:
    """Pairs of subjects that should be one.

    Args:
        described: What every scan looks like, see :func:`~faircmr.core.scans.near_duplicates`.
        everybody: The cohort's subjects; :data:`PERSON` where the source tells it.
        splits: ``subject_id``, ``split``, and with cross-validation ``fold``.
        largest_distance: Of two images that count as one.

    Returns:
        One row a pair: ``subject_id``, ``phase``, ``other_subject_id``, ``other_phase``, ``kind`` (``exact``,
        ``near``, ``one person``; the last without phases and distance), ``distance``, and ``across_splits``: whether
        the two are in different parts of the study, in some fold.
    """
    taking_part = everybody[everybody["subject_id"].isin(splits["subject_id"])]
    people = pd.DataFrame(_one_person(taking_part), columns=["subject_id", "other_subject_id"]).assign(kind=ONE_PERSON)
    alike = near_duplicates(described, largest_distance)
    pairs = pd.concat([alike, people], ignore_index=True)[list(PAIR_COLUMNS)] if len(people) else alike
    parts = _parts(splits)
    across = [
        _differ(parts[one], parts[other])
        for one, other in zip(pairs["subject_id"], pairs["other_subject_id"], strict=True)
    ]
    return pairs.assign(across_splits=pd.Series(across, dtype="bool"))


def _one_person(everybody: pd.DataFrame) -> Iterator[tuple[str, str]]:
    if PERSON in everybody:
        for _, subjects in everybody.groupby(PERSON)["subject_id"]:
            yield from combinations(sorted(subjects), 2)


def _parts(splits: pd.DataFrame) -> dict[str, dict[int, str]]:
    """Part of each subject by fold."""
    folds = splits["fold"] if "fold" in splits else pd.Series(0, index=splits.index)
    parts: dict[str, dict[int, str]] = {}
    for subject_id, fold, split in zip(splits["subject_id"], folds, splits["split"], strict=True):
        parts.setdefault(str(subject_id), {})[int(fold)] = str(split)
    return parts


def _differ(one: dict[int, str], other: dict[int, str]) -> bool:
    both = [{one[fold], other[fold]} for fold in one.keys() & other.keys()]
    return any(len(pair) == 2 and UNUSED not in pair for pair in both)


POWER_COLUMNS = ("attribute", "group", "n", "detectable", "detectable_holm", "tested")


def detectable_gaps(
    counts: pd.DataFrame,
    folds: Collection[int] | None,
    audit: AuditParameters,
    limits: CohortCheckParameters,
) -> pd.DataFrame:
    """The smallest gap that would be found of each group, with the SD of the score that is assumed.

    Args:
        counts: As of :func:`split_counts`.
        folds: Folds that will be run, whose test subjects are scored together; all, if ``None``.
        audit: The level of the tests, and the least size of a group.
        limits: SD of the score and power.

    Returns:
        One row an attribute and group: ``attribute``, ``group``, ``n`` test subjects, ``detectable`` gap from all
        other groups in points by the group's test alone, ``detectable_holm`` in the first step of Holm's correction
        over the groups, and ``tested``: whether the group has the least size. Both gaps are NaN where it has not, or
        where no other group has.
    """
    # subjects whose attribute is not known are no group, and an audit leaves them out
    seen = counts[(counts["sex"] == EVERYBODY) & (counts["group"] != UNKNOWN)]
    if folds is not None:
        seen = seen[seen["fold"].isna() | seen["fold"].isin(list(folds))]
    sizes = seen.groupby(["attribute", "group"], sort=False)[TEST].sum().rename("n").reset_index()
    parts = [
        _of_attribute(rows.reset_index(drop=True), audit, limits) for _, rows in sizes.groupby("attribute", sort=False)
    ]
    return pd.concat(parts, ignore_index=True)[list(POWER_COLUMNS)]


def _of_attribute(rows: pd.DataFrame, audit: AuditParameters, limits: CohortCheckParameters) -> pd.DataFrame:
    rows = rows.assign(tested=rows["n"] >= audit.min_group_size, detectable=np.nan, detectable_holm=np.nan)
    tested = rows["tested"].to_numpy()
    if tested.sum() > 1:
        sizes = rows.loc[tested, "n"].to_numpy()
        for column, alpha in (("detectable", audit.alpha), ("detectable_holm", audit.alpha / tested.sum())):
            rows.loc[tested, column] = smallest_detectable_gap(sizes, limits.score_sd, alpha, limits.power)
    return rows
