"""Run an audit: compute all tables and notes from scores and demographics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import pandas as pd

from faircmr.core import HEART_SIZE, PROTECTED_GROUP, InvalidParameterError, InvalidScoresError, Omission, listed_names
from faircmr.core.study import AttributeParameters
from faircmr.fairness.audit.adjusted_tables import ADJUSTED_COLUMNS, MATCHED_COLUMNS, adjusted_table, matched_table
from faircmr.fairness.audit.comparison import (
    AuditDraws,
    Baseline,
    Cohort,
    Compared,
    Undivided,
    cohorts_by_subjects,
    comparisons,
    draw,
    too_few_draws_notes,
    zero_spread_notes,
)
from faircmr.fairness.audit.demographics import join_demographics, resolve_attributes, unscored_by_group
from faircmr.fairness.audit.parameters import AuditColumns, AuditParameters
from faircmr.fairness.audit.score_table import ScoresByModel, scores_by_model
from faircmr.fairness.audit.tables import (
    CHANGE_COLUMNS,
    DISPARITY_COLUMNS,
    GROUP_COLUMNS,
    change_table,
    disparity_table,
    failure_notes,
    group_table,
    insufficient_rows,
)
from faircmr.fairness.metrics import Metric
from faircmr.fairness.tables import attributes_of, comparable_scores


@dataclass(frozen=True)
class Audit:
    """Answers.

    Attributes:
        groups: One row a model, attribute and group, see :func:`~faircmr.fairness.audit.tables.group_table`.
        disparity: One row a model and attribute, see
            :func:`~faircmr.fairness.audit.tables.disparity_table`.
        changes: One row a model, attribute and group against the baseline, see
            :func:`~faircmr.fairness.audit.tables.change_table`.
        adjusted: One row a model, attribute, adjustment and group, see
            :func:`~faircmr.fairness.audit.adjusted_tables.adjusted_table`.
        matched: One row a model, attribute, set of covariates and group, see
            :func:`~faircmr.fairness.audit.adjusted_tables.matched_table`.
        baseline: Model that changes are counted from.
        covariates: What was held equal.
        mediators: What was held equal besides in a second step.
        notes: Sentences about what cannot be answered and what looks wrong.
        omissions: Who was left out: scored subjects without demographics, attribute or covariate, and subjects without
            a score.
        unscored: Subjects of the demographics that have no score, by group, see
            :func:`~faircmr.fairness.audit.demographics.unscored_by_group`; no rows where all have one.
    """

    groups: pd.DataFrame
    disparity: pd.DataFrame
    changes: pd.DataFrame
    adjusted: pd.DataFrame
    matched: pd.DataFrame
    baseline: str
    covariates: tuple[str, ...]
    mediators: tuple[str, ...]
    notes: tuple[str, ...]
    omissions: tuple[Omission, ...] = ()
    unscored: pd.DataFrame = field(default_factory=pd.DataFrame)


def audit(
    scores: pd.DataFrame,
    demographics: pd.DataFrame,
    parameters: AuditParameters,
    columns: AuditColumns | None = None,
) -> Audit:
    """Audit models from a table of scores and a table of demographics.

    Args:
        scores: One score a row (long) or one column a score (wide), in 0..1, higher is better; models, training
            seeds, phases and structures in columns of their own, if there are any.
        demographics: One row a subject. Attributes are groups by their text; another column is one of numbers if all
            of its values are plain numbers, also where they are text, unless ``parameters.categorical`` names it.
        parameters: What is asked; declared before the scores are looked at.
        columns: Names of the columns of both tables, if they are not the usual ones.

    Returns:
        Tables by attribute and by pair of attributes. The unit is the subject: its phases and structures are averaged.

    Raises:
        InvalidScoresError: Scores are repeated, missing, in percent or outside 0..1, or of no two groups.
        InvalidCohortError: Demographics repeat a subject, or none of a model's scored subjects is in them.
        InvalidParameterError: Same as for :func:`audit_models`.

    Example:
        >>> from faircmr.fairness.audit import AuditParameters, audit
        >>> found = audit(scores, demographics, AuditParameters(attributes=("race", "sex")))  # doctest: +SKIP
        >>> found.disparity[["model", "attribute", "SD", "SD_low", "SD_high", "p_omnibus"]]  # doctest: +SKIP
    """
    named = AuditColumns() if columns is None else columns
    by_model = scores_by_model(scores, named, parameters.metric)
    scored = pd.Index(sorted(set().union(*(table.index for table in by_model.values()))), name="subject_id")
    by_name = named.subject not in scores.columns
    cases = scores[named.case].astype("str").tolist() if by_name else ()
    people, left_out = join_demographics(scored, demographics, named, cases)
    attributes, missing = resolve_attributes(people, parameters, named.words)
    unscored, without_score = unscored_by_group(scored, demographics, named, parameters.attributes)
    found = audit_models(by_model, attributes, parameters, [*missing, *failure_notes(scores, named)])
    return replace(found, omissions=(*left_out, *without_score, *found.omissions), unscored=unscored)


def audit_models(
    scores: ScoresByModel, attributes: pd.DataFrame, parameters: AuditParameters, notes: Sequence[str] = ()
) -> Audit:
    """Audit models from validated scores, one score per subject and training seed.

    Args:
        scores: Mean score of each subject in each training, of each model.
        attributes: Of the subjects, index ``subject_id``.
        parameters: What is asked.
        notes: Notes that come first.

    Raises:
        InvalidScoresError: No attribute divides the scored subjects.
        InvalidCohortError: None of a model's subjects has attributes.
        InvalidParameterError: No attribute is named, an attribute or the baseline is unknown, or there are too few
            draws.
    """
    models = cohorts_by_subjects(scores, attributes.index)
    baseline = Baseline.of(models, parameters.baseline)
    by_attribute, undivided, found = _compare_by_attribute(models, attributes, parameters)
    drawn = [[draw(compared, parameters) for compared in alike] for alike in by_attribute]
    of_all = partial(_concat_over_attributes, drawn=drawn, order=list(scores))
    untested_groups = [
        insufficient_rows(one.cohort, one.grouping, tuple(one.grouping.sizes.index)) for one in undivided
    ]
    groups = of_all(group_table, columns=GROUP_COLUMNS)
    adjusted, adjustment_notes = _table_with_notes(
        partial(adjusted_table, attributes=attributes), of_all, ADJUSTED_COLUMNS
    )
    matched, matching_notes = _table_with_notes(partial(matched_table, attributes=attributes), of_all, MATCHED_COLUMNS)
    return Audit(
        groups=_sort_group_rows([groups, *untested_groups], parameters.attributes),
        disparity=of_all(disparity_table, columns=DISPARITY_COLUMNS),
        changes=of_all(partial(change_table, baseline=baseline), columns=CHANGE_COLUMNS),
        adjusted=adjusted,
        matched=matched,
        baseline=baseline.model,
        covariates=parameters.covariates,
        mediators=parameters.mediators,
        notes=(*notes, *found, *baseline.notes(models), *adjustment_notes, *matching_notes),
        omissions=tuple(_not_recorded_omissions(models, attributes, parameters)),
    )


def _sort_group_rows(tables: Sequence[pd.DataFrame], attributes: Sequence[str]) -> pd.DataFrame:
    """Concatenate tables and sort rows by attribute in the requested order, with pairs of attributes last."""
    places = {name: place for place, name in enumerate(attributes)}
    table = pd.concat([table for table in tables if len(table)], ignore_index=True).reindex(columns=GROUP_COLUMNS)
    by_place = table["attribute"].map(lambda name: places.get(name, len(places)))
    return table.loc[by_place.sort_values(kind="stable").index].reset_index(drop=True)


def _not_recorded_omissions(
    models: Sequence[Cohort], attributes: pd.DataFrame, parameters: AuditParameters
) -> Iterator[Omission]:
    """Yield the number of scored subjects that lack an attribute or covariate."""
    outcomes = {name: f"left out of the comparison by {name}" for name in parameters.attributes}
    held_equal = (*parameters.covariates, *parameters.mediators)
    outcomes |= {name: "left out of adjusted differences and pairs" for name in held_equal if name not in outcomes}
    outcomes = {name: outcome for name, outcome in outcomes.items() if name in attributes.columns}
    for cohort in models:
        what = "scored subjects" if len(models) == 1 else f"subjects scored by {', '.join(cohort.models)}"
        of_cohort = attributes.loc[cohort.subjects, list(outcomes)].isna().sum()
        for name, outcome in outcomes.items():
            if count := int(of_cohort[name]):
                yield Omission(what, count, len(cohort.subjects), f"{name} is not recorded", outcome)


def _compare_by_attribute(
    models: Sequence[Cohort], attributes: pd.DataFrame, parameters: AuditParameters
) -> tuple[list[list[Compared]], list[Undivided], list[str]]:
    """Compare the models by every attribute. Return compared models, undivided models and notes."""
    if not parameters.attributes:
        known = listed_names(attributes.columns)
        raise InvalidParameterError("audit.attributes", "none", f"some of {known}", "declare what is to be audited")
    found = comparisons(models, attributes, parameters.attributes, parameters.min_group_size)
    by_attribute, undivided, notes = found
    if not by_attribute and all(one.grouping.labels.nunique() < 2 for one in undivided):
        asked = ", ".join(parameters.attributes)
        found_none = all(one.grouping.labels.isna().all() for one in undivided)
        raise InvalidScoresError(
            "audit",
            f"{'no scored subject has' if found_none else 'all scored subjects are of one group by'} {asked}",
            "an attribute that divides the scored subjects",
            "choose other attributes",
        )
    few = [note for alike in by_attribute for note in too_few_draws_notes(alike, parameters)]
    flat = [note for alike in by_attribute for one in alike for note in zero_spread_notes(one)]
    return by_attribute, undivided, [*notes, *few, *flat]


def _table_with_notes(
    make: Callable[[Sequence[AuditDraws]], tuple[pd.DataFrame, list[str]]],
    of_all: Callable[..., pd.DataFrame],
    columns: list[str],
) -> tuple[pd.DataFrame, list[str]]:
    """Make a table of all attributes and collect the notes of its parts."""
    notes: list[str] = []

    def table(found: Sequence[AuditDraws]) -> pd.DataFrame:
        rows, said = make(found)
        notes.extend(said)
        return rows

    return of_all(table, columns=columns), notes


def _concat_over_attributes(
    make: Callable[[Sequence[AuditDraws]], pd.DataFrame],
    drawn: list[list[AuditDraws]],
    order: list[str],
    columns: list[str],
) -> pd.DataFrame:
    """Concatenate the tables of all attributes, with models in the order of the scores."""
    tables = [
        make(found).sort_values("model", key=lambda models: models.map(order.index), kind="stable") for found in drawn
    ]
    with_rows = [table for table in tables if len(table)]
    return pd.concat(with_rows, ignore_index=True) if with_rows else pd.DataFrame(columns=columns)


def audit_strategies(
    scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame, study: AttributeParameters, parameters: AuditParameters
) -> Audit:
    """Audit the strategies of a study that have scores.

    Args:
        scores: Long scores of each strategy; empty tables are strategies that did not run.
        subjects: Subject index.
        study: Its attributes and covariates, which are those of the audit; the size of the heart is a mediator.
        parameters: All other parameters of the audit.

    Raises:
        InvalidScoresError: Same as for :func:`audit_models`, or no strategy has scores.
        InvalidCohortError: Scored subjects do not join the subject index.
        StudyMismatchError: Strategies are not of one study.
    """
    ran = comparable_scores(scores, subjects).values()
    columns = AuditColumns(model="strategy")
    by_model = {name: of for one in ran for name, of in scores_by_model(one, columns, parameters.metric).items()}
    scored = pd.Index(next(iter(by_model.values())).index, name="subject_id")
    volumes = pd.concat([one.loc[one["metric"] == Metric.REFERENCE_VOLUME, ["subject_id", "value"]] for one in ran])
    sizes = volumes.groupby("subject_id")["value"].mean()
    protected = study.protected_attribute
    known = attributes_of(scored, subjects)
    # the protected attribute may itself be called protected_group
    attributes = known.drop(columns=PROTECTED_GROUP).assign(**{protected: known[PROTECTED_GROUP], HEART_SIZE: sizes})
    asked = {
        "attributes": (protected, *study.reported),
        "covariates": study.covariates,
        "categorical": study.categorical,
        "mediators": (HEART_SIZE,) if len(sizes) else (),
    }
    failed = [note for one in ran for note in failure_notes(one, columns)]
    return audit_models(by_model, attributes, parameters.model_copy(update=asked), failed)
