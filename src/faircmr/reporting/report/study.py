"""What a report is made of: the tables of one study, each empty where the study does not have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import pandas as pd

from faircmr.core.omissions import strategy_step
from faircmr.fairness.audit.parameters import AuditParameters
from faircmr.fairness.intersections import BY
from faircmr.reporting.audit_tables import question_words


def _empty() -> pd.DataFrame:
    return pd.DataFrame()


@dataclass(frozen=True)
class StudyTables:
    """Tables by what they say; none of them holds a voxel, and none but ``cases`` a study key.

    Attributes:
        demographics: Of :func:`faircmr.core.demographics.summarise`.
        omissions: Of :func:`~faircmr.reporting.report.gathering.all_omissions`.
        choices: Of :func:`~faircmr.reporting.report.choices.strategy_choices`.
        table1: Of :func:`~faircmr.reporting.report.gathering.one_below_another`, Table 1 of each strategy.
        table1_seed_sd: Of :func:`faircmr.fairness.seeds.table1_seed_sd`.
        table2: Of :func:`faircmr.fairness.comparison.table2`.
        groups: Of the audit, as the next three.
        disparity: How far apart the groups are.
        changes: What each strategy gives and takes.
        adjusted: Differences with covariates held equal.
        matched: Differences between pairs of people who are alike.
        asterisks: Of :func:`faircmr.fairness.published_tables.asterisks_of`.
        agreement: Of :func:`faircmr.fairness.clinical_errors.clinical_agreement`.
        reclassified: Of :func:`faircmr.fairness.clinical_errors.reclassification`.
        surface: Of :func:`~faircmr.reporting.report.surface.surface_errors`.
        classifiers: Of :func:`faircmr.fairness.classification.reports_by_seed`, with ``strategy``.
        confusion: Of :func:`~faircmr.reporting.report.gathering.confusions`.
        cases: Of :func:`~faircmr.reporting.report.cases.extreme_cases`.
        provenance: Of :func:`~faircmr.reporting.report.provenance.provenance`.
        other_table2: Table 2 of the study that this one is compared with.
        other_disparity: Disparity of that study.
    """

    demographics: pd.DataFrame = field(default_factory=_empty)
    omissions: pd.DataFrame = field(default_factory=_empty)
    choices: pd.DataFrame = field(default_factory=_empty)
    table1: pd.DataFrame = field(default_factory=_empty)
    table1_seed_sd: pd.DataFrame = field(default_factory=_empty)
    table2: pd.DataFrame = field(default_factory=_empty)
    groups: pd.DataFrame = field(default_factory=_empty)
    disparity: pd.DataFrame = field(default_factory=_empty)
    changes: pd.DataFrame = field(default_factory=_empty)
    adjusted: pd.DataFrame = field(default_factory=_empty)
    matched: pd.DataFrame = field(default_factory=_empty)
    asterisks: pd.DataFrame = field(default_factory=_empty)
    agreement: pd.DataFrame = field(default_factory=_empty)
    reclassified: pd.DataFrame = field(default_factory=_empty)
    surface: pd.DataFrame = field(default_factory=_empty)
    classifiers: pd.DataFrame = field(default_factory=_empty)
    confusion: pd.DataFrame = field(default_factory=_empty)
    cases: pd.DataFrame = field(default_factory=_empty)
    provenance: pd.DataFrame = field(default_factory=_empty)
    other_table2: pd.DataFrame = field(default_factory=_empty)
    other_disparity: pd.DataFrame = field(default_factory=_empty)


NAMES = tuple(one.name for one in fields(StudyTables))
"""Tables that a report can be given."""


def each(table: pd.DataFrame) -> list[Any]:
    """Rows of a table, whose cells are read by the names of their columns."""
    return list(table.itertuples(index=False))


@dataclass(frozen=True)
class Study:
    """A study as every section sees it.

    Attributes:
        tables: What it has saved.
        audit: What its audit asked.
    """

    tables: StudyTables
    audit: AuditParameters

    @property
    def strategies(self) -> list[str]:
        """Those that were scored, in the order of Table 2."""
        return self.tables.table2["strategy"].astype(str).tolist() if len(self.tables.table2) else []

    @property
    def without_omissions(self) -> list[str]:
        """Scored strategies of which it was not recorded what they left out."""
        table = self.tables.omissions
        recorded = set(table["step"]) if "step" in table else set()
        return [name for name in self.strategies if strategy_step(name) not in recorded]

    @property
    def attributes(self) -> list[str]:
        """Audited attributes, the protected one first; pairs of them are left to the audit's own page."""
        found = self.tables.groups
        names = dict.fromkeys(found["attribute"].astype(str)) if len(found) else {}
        return [name for name in names if BY not in name]

    @property
    def protected(self) -> str:
        """Name of the protected attribute; of none that was audited, just that."""
        return next(iter(self.attributes), "protected group")

    @property
    def baseline(self) -> str:
        """Strategy that changes are counted from."""
        return self.audit.baseline or next(iter(self.strategies), "")

    @property
    def words(self) -> dict[str, str]:
        """What sentences need to know of the questions."""
        return question_words(self.audit)

    def of(self, table: pd.DataFrame, attribute: str) -> pd.DataFrame:
        """Rows of one audited attribute, strategies in the order of Table 2."""
        if table.empty:
            return table
        rows = table[table["attribute"] == attribute]
        order: Mapping[str, int] = {name: place for place, name in enumerate(self.strategies)}
        return rows.sort_values("model", key=lambda names: names.map(order), kind="stable")
