"""What is left of each group's difference when age, centre and the like are held equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from faircmr.core.errors import InvalidScoresError
from faircmr.fairness.adjustment.covariates import Covariates
from faircmr.fairness.adjustment.regression import UNADJUSTED, Adjusted, Draws, adjusted_models
from faircmr.fairness.audit.answers import Answers
from faircmr.fairness.audit.parameters import AuditParameters
from faircmr.fairness.inference.multiplicity import holm
from faircmr.fairness.intersections import BY

GROUP = "group"
COLUMNS = ["model", "attribute", "adjustment", "group", "n", "difference", "low", "high", "p", "p_all_groups", "p_holm"]


def adjusted_table(found: Sequence[Answers], attributes: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """One row a model, adjustment and group.

    Args:
        found: Answers by one attribute.
        attributes: Of the subjects, index ``subject_id``; has every covariate that is asked for.

    Returns:
        In points: ``model``, ``attribute``, ``adjustment`` (``none``, ``confounders``, ``confounders and mediators``,
        all of the same subjects: those of whom every covariate is recorded), ``group``, ``n``, ``difference`` from
        everybody else with its interval ``low`` to ``high``, ``p`` and ``p_all_groups`` of shuffled residuals,
        and ``p_holm``, adjusted over groups and models within an adjustment. No rows where no covariate is asked for,
        and for pairs of attributes. Then sentences about who was left out, and where groups barely overlap.

    Raises:
        InvalidParameterError: A covariate is unknown or cannot be used.
    """
    parts: list[pd.DataFrame] = []
    notes: list[str] = []
    for one in found:
        results = _results(one, attributes, notes)
        parts += [_rows(result).assign(model=model, attribute=one.compared.attribute) for model, result in results]
    if not parts:
        return pd.DataFrame(columns=COLUMNS), notes
    table = pd.concat(parts, ignore_index=True)
    adjusted = table.groupby("adjustment", sort=False)["p"].transform(lambda p: holm(p.to_numpy()))
    return table.assign(p_holm=adjusted)[COLUMNS], notes


def _results(found: Answers, attributes: pd.DataFrame, notes: list[str]) -> list[tuple[str, Adjusted]]:
    """Of each model; what there is to say is of the subjects, who are the same for all of them, and is said once."""
    compared, asked, cohort = found.compared, found.parameters, found.compared.cohort
    covariates = covariates_asked(attributes, asked, compared.attribute)
    if BY in compared.attribute or not covariates.names:
        return []
    where = f"{', '.join(cohort.models)} by {compared.attribute}, adjusted"
    scores = [pd.Series(values, cohort.subjects) for values in cohort.values]
    draws = Draws(asked.draws, asked.seed, asked.alpha)
    of_subjects = (compared.grouping.labels, attributes.loc[cohort.subjects], covariates)
    try:
        results = adjusted_models(scores, *of_subjects, draws, asked.min_group_size)
    except InvalidScoresError as error:
        notes.append(f"{where}: {error}.")
        return []
    notes += _notes(where, results[0])
    return list(zip(cohort.models, results, strict=True))


def covariates_asked(attributes: pd.DataFrame, asked: AuditParameters, attribute: str) -> Covariates:
    """What groups of an attribute are to be alike in; an attribute is not adjusted for itself.

    Raises:
        InvalidParameterError: There is no such column, or it seems to be of numbers and some cannot be read.
    """
    confounders = [name for name in dict.fromkeys(asked.covariates) if name != attribute]
    # an attribute that is audited is a grouping, whatever its codes look like
    found = Covariates.by_type(attributes, confounders, {*asked.categorical, *asked.attributes})
    return Covariates(numeric=found.numeric, categorical=found.categorical, mediators=asked.mediators)


def _rows(result: Adjusted) -> pd.DataFrame:
    of_all = result.ancova[result.ancova["term"] == GROUP].set_index("adjustment")["p"]
    rows = result.differences.assign(p_all_groups=result.differences["adjustment"].map(of_all))
    return rows.assign(**{name: 100.0 * rows[name] for name in ("difference", "low", "high")})


def _notes(where: str, result: Adjusted) -> Iterator[str]:
    if result.left_out:
        yield (
            f"{where}: {result.left_out} subjects are left out, and so are they from the row '{UNADJUSTED}' of the "
            "same table: their group or a covariate is not recorded, or their group is then too small."
        )
    for row in result.exclusions[result.exclusions["what"] == "covariate"].itertuples(index=False):
        yield f"{where}: {row.name} is not adjusted for: {row.reason}."
    yield from (f"{where}: {warning}." for warning in result.warnings)
