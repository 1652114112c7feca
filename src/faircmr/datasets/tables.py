"""Tables of a study, of another study, of measurements, and of users."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Never

import pandas as pd
from kedro.io import AbstractDataset, DatasetError

from faircmr.core import (
    InvalidParameterError,
    OutputError,
    escape_formulas,
    json_digest,
    parse_parameters,
    unescape_formulas,
)
from faircmr.core.host import this_machine, write_atomically
from faircmr.core.scans import MaskPairs
from faircmr.core.study import ReadingParameters, schema_named
from faircmr.core.user_input import TABLE_DAMAGE, read_user_table
from faircmr.datasets.base import Previewed, StudyDataset, no_paths_in_errors
from faircmr.sources import file_state, file_states_below, mask_files, pair_masks

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
            escape_formulas(table).to_csv(content, index=False, lineterminator="\n")
        else:
            table.to_parquet(content, index=False)
        write_atomically(self._filepath, content.getvalue())

    def _read(self) -> pd.DataFrame:
        if self._filepath.suffix == ".parquet":
            return pd.read_parquet(self._filepath)
        # only an empty cell is missing: what a study writes has no missing-value words, and "NA" may be a group
        content = self._filepath.read_bytes()
        table = unescape_formulas(
            pd.read_csv(BytesIO(content), dtype=TEXT_COLUMNS, keep_default_na=False, na_values=[""])
        )
        if _LEADING_ZERO.search(content) is None:
            return table
        # a column of codes such as 007 is text, and was text when it was written
        text = unescape_formulas(pd.read_csv(BytesIO(content), dtype="str", keep_default_na=False, na_values=[""]))
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


MACHINE = "machine"
"""Column that names the machine, as :func:`~faircmr.core.host.this_machine` does."""


class MeasuredTableDataset(TableDataset):
    """A table with a column ``machine``; on another machine it can be read, but is missing: a run makes it anew."""

    def _exists(self) -> bool:
        return super()._exists() and self._measured_here()

    def _measured_here(self) -> bool:
        try:
            table = self._read()
        except (OSError, ValueError):
            return False
        return MACHINE in table and bool((table[MACHINE] == this_machine()).all())


class UserTableDataset(Previewed, AbstractDataset[Never, pd.DataFrame]):
    """A table in CSV (UTF-8) or Parquet.

    Args:
        filepath: The table.
        setting: Parameter that names it; errors speak of it and not of the path.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    def __init__(self, filepath: str, setting: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(filepath)
        self._setting = setting
        self.metadata = metadata

    def load(self) -> pd.DataFrame:
        """Read the table; cells of a CSV are text."""
        return read_user_table(self._path, self._setting)

    def save(self, data: Never) -> Never:
        """Refuse: what users bring is never written."""
        raise DatasetError(f"{self._setting} is read only")

    def files(self) -> list[Path]:
        """None: the table is not the study's own."""
        return []

    def fingerprint(self) -> str:
        """Digest of size and time of the file."""
        return json_digest(file_state(self._path))

    def _exists(self) -> bool:
        return self._path.is_file()

    def _describe(self) -> dict[str, Any]:
        # no path: it may name people
        return {"setting": self._setting}


class UserScoresDataset(UserTableDataset):
    """A table of scores in CSV or Parquet, or nnU-Net's ``summary.json``."""

    def load(self) -> pd.DataFrame:
        """Read the scores; nnU-Net's as a long table with the columns case, structure, metric and value."""
        if self._path.suffix.lower() != ".json":
            return super().load()
        from faircmr.fairness.audit import scores_of_summary

        if self._path.exists() and not self._path.is_file():
            # a pipe would be waited for without end
            raise InvalidParameterError(self._setting, "no file", "a table, or nnU-Net's summary.json", "set it to one")
        with no_paths_in_errors(self._setting):
            content = self._path.read_bytes()
        return scores_of_summary(content)


class MaskPairsDataset(Previewed, AbstractDataset[Never, MaskPairs]):
    """Two folders of label images, matched by file name.

    Args:
        filepath: Folder of what a model found.
        path: Folder of what was drawn; Kedro makes an argument of this name relative to the project, as ``filepath``.
        reading: Limits of spacing and whether headers place labels: a mapping of the fields of
            :class:`~faircmr.core.study.ReadingParameters`.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    def __init__(
        self,
        filepath: str,
        path: str,
        *,
        reading: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._predictions, self._references = Path(filepath), Path(path)
        self._reading = parse_parameters(ReadingParameters, dict(reading or {}), "reading")
        self.metadata = metadata

    def load(self) -> MaskPairs:
        """List the pairs; no mask is opened."""
        with no_paths_in_errors("audit_predictions and audit_references"):
            return pair_masks(self._predictions, self._references, self._reading)

    def save(self, data: Never) -> Never:
        """Refuse: masks are never written."""
        raise DatasetError("masks are read only")

    def files(self) -> list[Path]:
        """None: the masks are not the study's own."""
        return []

    def fingerprint(self) -> str:
        """Digest of names, sizes and times of all masks."""
        folders = (self._predictions, self._references)
        states = [file_states_below(mask_files(folder), folder) for folder in folders]
        return json_digest([states, self._reading.model_dump(mode="json")])

    def _exists(self) -> bool:
        return self._predictions.is_dir() and self._references.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {}


SETTING = "compare_root"


class OtherStudyTableDataset(UserTableDataset):
    """A table of another study, where one is named.

    Args:
        filepath: The table.
        named: What the parameter says; ``None`` where it says nothing, and then the table need not be there.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    def __init__(self, filepath: str, named: str | None, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(filepath, SETTING, metadata)
        self._named = named

    def load(self) -> pd.DataFrame:
        """Read the table, or give an empty one where no study is named.

        Raises:
            InvalidParameterError: The study that is named has no such table.
        """
        if self._exists():
            return TableDataset(str(self._path)).load()
        if self._named is None:
            return pd.DataFrame()
        permitted = "the data_root of a study that has been evaluated"
        remedy = "correct its spelling, or run the pipeline evaluation there"
        raise InvalidParameterError(SETTING, f"no {self._path.name}", permitted, remedy)

    def fingerprint(self) -> str:
        """Digest of what is named, and of size and time of the file."""
        return json_digest([self._named, file_state(self._path)])
