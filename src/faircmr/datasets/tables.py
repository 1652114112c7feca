"""Tables as CSV or Parquet, by suffix. A CSV has a quote before what a spreadsheet would take for a formula."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pandas as pd

from faircmr.core.errors import InvalidParameterError, OutputError
from faircmr.core.files import write_whole
from faircmr.core.schemas import schema_named
from faircmr.core.shown_names import guarded_table, unguarded_table
from faircmr.core.table_damage import TABLE_DAMAGE
from faircmr.datasets.base import StudyDataset

TEXT_COLUMNS = dict.fromkeys(("subject_id", "other_subject_id", "protected_group", "group", "split"), "str")
"""Columns that stay text in CSV, also where they look like numbers."""
_LEADING_ZERO = re.compile(rb"(?:^|,)\"?[+-]?0[0-9]", re.MULTILINE)
SUFFIXES = (".csv", ".parquet")


class TableDataset(StudyDataset[pd.DataFrame, pd.DataFrame]):
    """A table without index, written whole.

    Args:
        filepath: Ends in ``.csv`` or ``.parquet``.
        schema: Name of the table's schema in ``core.schemas``, checked at saving and at loading.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    def __init__(self, filepath: str, schema: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(filepath, metadata)
        if self._filepath.suffix not in SUFFIXES:
            raise InvalidParameterError("filepath", self._filepath.name, f"a name that ends in {' or '.join(SUFFIXES)}")
        self._schema = None if schema is None else schema_named(schema)

    def load(self) -> pd.DataFrame:
        """Read the table and check it."""
        try:
            table = self._read()
        except TABLE_DAMAGE:
            raise OutputError(
                self._filepath.name, "missing or damaged", "a whole table", "delete it and run its pipeline again"
            ) from None
        return table if self._schema is None else self._schema.validate(table)

    def save(self, data: pd.DataFrame) -> None:
        """Check the table and write it."""
        table = data if self._schema is None else self._schema.validate(data)
        content = BytesIO()
        if self._filepath.suffix == ".csv":
            guarded_table(table).to_csv(content, index=False, lineterminator="\n")
        else:
            table.to_parquet(content, index=False)
        write_whole(self._filepath, content.getvalue())

    def _read(self) -> pd.DataFrame:
        if self._filepath.suffix == ".parquet":
            return pd.read_parquet(self._filepath)
        # only an empty cell is missing: what a study writes has no missing-value words, and "NA" may be a group
        content = self._filepath.read_bytes()
        table = unguarded_table(
            pd.read_csv(BytesIO(content), dtype=TEXT_COLUMNS, keep_default_na=False, na_values=[""])
        )
        if _LEADING_ZERO.search(content) is None:
            return table
        # a column of codes such as 007 is text, and was text when it was written
        text = unguarded_table(pd.read_csv(BytesIO(content), dtype="str", keep_default_na=False, na_values=[""]))
        coded = [name for name in table.columns if text[name].str.contains(r"^[+-]?0[0-9]", na=False).any()]
        return table.assign(**{name: text[name] for name in coded})


class OptionalTableDataset(TableDataset):
    """A table that need not be there: loading gives its columns without rows, existing stays truthful.

    Args:
        filepath: As for :class:`TableDataset`.
        schema: As for :class:`TableDataset`; says which columns a table has that is not there. Without one it has none.
        metadata: As for :class:`TableDataset`.
    """

    def __init__(self, filepath: str, schema: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(filepath, schema, metadata)
        self._absent = pd.DataFrame() if schema is None else schema_named(schema).empty()

    def load(self) -> pd.DataFrame:
        """Read the table, or give an empty one."""
        return super().load() if self._filepath.exists() else self._absent.copy()
