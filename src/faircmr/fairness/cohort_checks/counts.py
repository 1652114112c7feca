"""How many subjects of which kind are where, and of whom something is not known."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from faircmr.core.columns import PROTECTED_GROUP
from faircmr.core.splits import SPLITS
from faircmr.core.subject_index import AttributeParameters
from faircmr.core.table_values import code_text

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
