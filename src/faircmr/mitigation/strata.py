"""To which stratum a subject belongs: its protected group, or its group together with other attributes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from faircmr.core.columns import PROTECTED_GROUP
from faircmr.core.errors import InvalidCohortError, InvalidParameterError
from faircmr.core.table_values import code_text
from faircmr.core.validation import nearest

_BOOKKEEPING = frozenset({"subject_id", "split", "fold", PROTECTED_GROUP})
"""Columns of a cohort table that are no attribute of a person."""


def strata(cohort_table: pd.DataFrame, within: Sequence[str]) -> dict[str, str]:
    """Stratum of each subject.

    Args:
        cohort_table: ``subject_id``, ``protected_group`` and the named attributes; a subject may stand in several
            folds.
        within: Attributes whose values form the strata together with the protected group; without any, the protected
            group itself is the stratum.

    Returns:
        By subject: ``A``, or the intersection ``A | F``. Different intersections have different names.

    Raises:
        InvalidParameterError: There is no such attribute; the nearest one is named.
        InvalidCohortError: Says for how many subjects a value is missing.
    """
    check_known(cohort_table, within)
    return labels(cohort_table, [PROTECTED_GROUP, *dict.fromkeys(within)])


def labels(table: pd.DataFrame, columns: Sequence[str]) -> dict[str, str]:
    """Name of each subject's values of some columns together; the empty name without columns.

    Args:
        table: ``subject_id`` and the columns.
        columns: Whose values to join, in this order.

    Returns:
        By subject. Different values have different names.

    Raises:
        InvalidCohortError: As for :func:`strata`.
    """
    check_complete(table, columns)
    # a single value stands as it is, so that a stratum without further attributes is the protected group
    written = [code_text(table[name]).map(str if len(columns) == 1 else _escaped) for name in columns]
    names = [" | ".join(values) for values in zip(*written, strict=True)] if written else [""] * len(table)
    return dict(zip(table["subject_id"], names, strict=True))


def check_known(table: pd.DataFrame, attributes: Sequence[str]) -> None:
    """Refuse attributes that a table has not.

    Raises:
        InvalidParameterError: As for :func:`strata`.
    """
    known = [str(column) for column in table.columns if column not in _BOOKKEEPING]
    for name in attributes:
        if name not in known:
            raise InvalidParameterError(
                "within",
                repr(name),
                f"attributes that this study keeps: {', '.join(known) or 'none'}",
                (f"did you mean {nearest(name, known)!r}? If not, " if known else "")
                + "add it to attributes.covariates",
            )


def check_complete(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse subjects without a value.

    Raises:
        InvalidCohortError: As for :func:`strata`.
    """
    for name in columns:
        # subjects and not rows: with cross-validation somebody stands in several folds
        missing = table.loc[table[name].isna(), "subject_id"].nunique()
        if missing:
            raise InvalidCohortError(
                f"attribute {name!r}",
                f"missing for {missing} of {table['subject_id'].nunique()} subjects",
                "a value for everybody who trains or validates",
                "complete the attribute, or take it out of the strategy's 'within'",
            )


def _escaped(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace("|", "\\|")
