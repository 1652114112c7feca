"""What a folder of unlabelled scans holds and nothing was predicted of, with the reason, as a table."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from faircmr.core.cine_prediction import SubjectRecord
from faircmr.core.errors import InvalidCohortError
from faircmr.core.omissions import Omission, log_omissions

LEFT_OUT_TYPES = {"key": "str", "what": "str", "count": "int64", "reason": "str"}
"""One row a file or subject that was left out, or a count of things that have no key."""
FILES, SUBJECTS = "files", "subjects"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LeftOut:
    """A file that was left out, or several things that are counted together.

    Attributes:
        what: Which things, in the plural: ``files``, ``symbolic links``.
        reason: Why, without the name of a file.
        key: Key of the file in ``01_raw/predict_key.csv``; ``None`` where things are only counted.
        count: How many; 1 where there is a key.
    """

    what: str
    reason: str
    key: str | None = None
    count: int = 1


def tabulate_left_out(left_out: Iterable[LeftOut], records: Mapping[str, SubjectRecord], files: int) -> pd.DataFrame:
    """Everything of a folder that was left out; files are counted in the log by reason.

    Args:
        left_out: Files that were not taken, and what was only counted.
        records: Predictions by study key; a subject with a problem is left out too.
        files: NIfTI files in the folder, those among them.

    Returns:
        ``key`` (``file-0001`` of a file, ``new-0001`` of a subject; missing for a count), ``what`` (``files``,
        ``subjects``, ...), ``count`` and ``reason``.
    """
    found = list(left_out)
    log_omissions(logger, _omissions(found, files))
    subjects = [LeftOut(SUBJECTS, one.problem, one.subject_id) for one in records.values() if one.problem]
    rows = [(one.key, one.what, one.count, one.reason) for one in (*found, *subjects)]
    return pd.DataFrame(rows, columns=list(LEFT_OUT_TYPES)).astype(LEFT_OUT_TYPES)


def validate_left_out(left_out: pd.DataFrame) -> pd.DataFrame:
    """Check the list of what was left out.

    Args:
        left_out: Columns of :data:`LEFT_OUT_TYPES`.

    Returns:
        The table with those columns in those types.

    Raises:
        InvalidCohortError: Names the column, what was expected and in how many rows it fails.
    """
    # pandera takes half a second to import, which a run that finds nothing to do does not have
    from pandera.pandas import Column

    from faircmr.core import table_checks as checks

    tested = {"what": checks.FILLED, "reason": checks.FILLED, "count": checks.NOT_NEGATIVE}
    columns = {
        **checks.required_columns(LEFT_OUT_TYPES, tested),
        "key": Column("str", coerce=True, nullable=True),
    }
    return checks.check_table("left_out", left_out, checks.table_schema(columns, []), InvalidCohortError)


def _omissions(left_out: Iterable[LeftOut], files: int) -> list[Omission]:
    counts: Counter[tuple[str, str, bool]] = Counter()
    for one in left_out:
        counts[one.what, one.reason, one.key is not None] += one.count
    return [
        Omission(what, count, files if is_nifti else None, reason) for (what, reason, is_nifti), count in counts.items()
    ]
