"""The tables of one study that a report is made of, and what the study was made with."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import pandas as pd
from pydantic import Field

from faircmr.core import OMISSION_TYPES, PROTECTED_GROUP, Parameters, strategy_step
from faircmr.fairness.audit import INTERSECTION_SEPARATOR, AuditParameters
from faircmr.fairness.metrics import PREDICTED_GROUP, confusion_matrix
from faircmr.reporting import question_words


class ReportParameters(Parameters):
    """The report, and what its cards say of the study.

    Attributes:
        title: Heading of the report.
        examples: Best and worst segmentations that are shown of each group; 0 where no image of a person may leave the
            study's folder.
        data_set: Where the data are from, in a sentence.
        licence: Under which terms they may be used.
        intended_use: What the models are meant for; research alone, unless somebody answers for more.
    """

    title: Annotated[str, Field(min_length=1)] = "Is every group segmented as well as the others?"
    examples: Annotated[int, Field(ge=0, le=5)] = 1
    data_set: str = ""
    licence: str = ""
    intended_use: str = ""


PACKAGES = ("faircmr", "kedro", "numpy", "pandas", "scipy", "torch", "monai", "nibabel", "matplotlib")
COLUMNS = ["part", "name", "value"]
VERSIONS, DATA, SEEDS = "versions", "data", "seeds"


def provenance(study_key: str, parameters: Mapping[str, Parameters]) -> pd.DataFrame:
    """One row a fact.

    Args:
        study_key: Digests of what all strategies of the study share (``cohort:1a2b splits:3c4d``).
        parameters: By name; and whatever else of the data is a model, such as its fingerprint.

    Returns:
        ``part`` (``versions``: of what wrote the report; ``data``: digests; ``seeds``: every parameter whose name says
        so; then one a model), ``name`` and ``value`` as text. No date: the same study gives the same table.
    """
    given = [
        (part, name, value)
        for part, model in parameters.items()
        for name, value in _flat(model.model_dump(mode="json"))
    ]
    seeds = [(SEEDS, f"{part}.{name}", value) for part, name, value in given if "seed" in name]
    digests = [(DATA, *one.split(":", 1)) for one in study_key.split()]
    return pd.DataFrame([*_versions(), *digests, *seeds, *given], columns=COLUMNS)


def _versions() -> Iterator[tuple[str, str, str]]:
    yield VERSIONS, "Python", platform.python_version()
    for package in PACKAGES:
        try:
            yield VERSIONS, package, version(package)
        except PackageNotFoundError:
            yield VERSIONS, package, "not installed"


def _flat(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for place, inner in enumerate(value):
            yield from _flat(inner, f"{name}[{place}]")
    else:
        yield name, " ".join(map(str, value)) if isinstance(value, list) else str(value)


STRATEGY = "strategy"


def one_below_another(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of the strategies that have one.

    Args:
        tables: By strategy, in the order of Table 2; empty where a strategy does not have it.

    Returns:
        ``strategy``, then their columns; ``strategy`` alone where nobody has one.
    """
    found = {name: table for name, table in tables.items() if not table.empty}
    if not found:
        return pd.DataFrame(columns=[STRATEGY])
    return pd.concat(found, names=[STRATEGY]).reset_index(STRATEGY).reset_index(drop=True)


def all_omissions(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What was left out in each step of the study and by each strategy.

    Args:
        tables: Of :func:`faircmr.core.omission_table`, in the order of the page; one without rows is of a
            strategy that has not run.
    """
    return pd.concat(list(tables.values()), ignore_index=True).astype(OMISSION_TYPES)


def confusions(predictions: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """How many test subjects of each protected group the classifiers took for each.

    Args:
        predictions: Of each strategy, as for :func:`~faircmr.fairness.metrics.confusion_matrix`; empty where it
            has no classifier. All trainings decide together.

    Returns:
        ``strategy``, ``protected_group``, ``predicted_group`` and ``subjects``.

    Raises:
        InvalidScoresError: As there.
    """
    counted = {
        name: confusion_matrix(table)
        .reset_index()
        .melt(PROTECTED_GROUP, var_name=PREDICTED_GROUP, value_name="subjects")
        for name, table in predictions.items()
        if not table.empty
    }
    table = one_below_another(counted)
    return table.reindex(columns=[STRATEGY, PROTECTED_GROUP, PREDICTED_GROUP, "subjects"])


def _empty() -> pd.DataFrame:
    return pd.DataFrame()


@dataclass(frozen=True)
class StudyTables:
    """Tables by what they say; none of them holds a voxel, and none but ``cases`` a study key.

    Attributes:
        demographics: Of :func:`faircmr.core.study.summarise`.
        omissions: Of :func:`all_omissions`.
        choices: Of :func:`~faircmr.reporting.report.strategy_choices`.
        table1: Of :func:`one_below_another`, Table 1 of each strategy.
        table1_seed_sd: Of :func:`faircmr.fairness.tables.table1_seed_sd`.
        table2: Of :func:`faircmr.fairness.tables.table2`.
        groups: Of the audit, as the next three.
        disparity: How far apart the groups are.
        changes: What each strategy gives and takes.
        adjusted: Differences with covariates held equal.
        matched: Differences between pairs of people who are alike.
        asterisks: Of :func:`faircmr.fairness.tables.asterisks_of`.
        agreement: Of :func:`faircmr.fairness.metrics.clinical_agreement`.
        reclassified: Of :func:`faircmr.fairness.metrics.reclassification`.
        surface: Of :func:`~faircmr.reporting.report.surface_errors`.
        classifiers: Of :func:`faircmr.fairness.metrics.reports_by_seed`, with ``strategy``.
        confusion: Of :func:`confusions`.
        cases: Of :func:`~faircmr.reporting.report.extreme_cases`.
        provenance: Of :func:`provenance`.
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
        return [name for name in names if INTERSECTION_SEPARATOR not in name]

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
