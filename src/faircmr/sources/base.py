"""What a data set must answer to become a cohort."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import pandas as pd

from faircmr.core.anatomy import Phase
from faircmr.core.errors import InvalidCohortError
from faircmr.core.label_coding import LabelValues
from faircmr.core.omissions import Omission
from faircmr.core.parameters import Parameters
from faircmr.core.scan import ScanFiles

SourceFiles = Mapping[tuple[str, Phase], ScanFiles]
"""Files of every scan, by source id and phase."""


class NoParameters(Parameters):
    """Parameters of a source that has none."""


@dataclass(frozen=True)
class Rejection:
    """A subject whose files no scan could be made of.

    Attributes:
        path: The first of them; never shown.
        reason: What is wrong with them, what is permitted and what to do, without any name.
    """

    path: Path
    reason: str


class Source(Protocol):
    """One data set on disk.

    Listing opens no image: a source says where scans lie, and ``sources.nifti`` reads them.

    Attributes:
        parameters_type: Model of the source's own parameters.
    """

    parameters_type: ClassVar[type[Parameters]]

    def __init__(self, root: Path, parameters: Parameters) -> None: ...

    @property
    def label_values(self) -> LabelValues:
        """Meaning of each value of the source's label images: a structure, or why it is none; 0 is background."""

    def prepare(self, own: Path) -> None:
        """Make the data ready to be listed.

        Args:
            own: Folder of the study in which a source keeps what it must make of the raw files, which
                themselves are never touched.

        Raises:
            InvalidCohortError: The folder is empty or holds another layout.
        """

    def scan_files(self) -> SourceFiles:
        """Where every scan lies.

        Raises:
            InvalidCohortError: A subject is listed twice, or incompletely.
        """

    def rejected(self) -> Mapping[str, Rejection]:
        """Subjects that are there and have no scans, by source id; none of :meth:`scan_files` is among them."""

    def omissions(self) -> Sequence[Omission]:
        """What the source has found and left out, besides those of :meth:`rejected`: files, rows, values, subjects.

        No reason names a person or a file. Read after :meth:`scan_files` and :meth:`attributes`; a source need not log
        them.
        """

    def attribute_files(self) -> Sequence[Path]:
        """Files from which :meth:`attributes` is read."""

    def attributes(self) -> pd.DataFrame:
        """What is known of the subjects: one row a subject, index ``source_id``, missing as NA.

        Raises:
            InvalidCohortError: A subject is listed twice.
        """


@runtime_checkable
class NamesAbsentColumns(Protocol):
    """A source that may also say which columns its table of subjects lacks."""

    def absent_columns(self) -> Mapping[str, str]:
        """Attributes that are missing for all subjects, each with the column that the table lacks."""


def check_unique(source_ids: Iterable[str]) -> None:
    """Refuse a list of subjects in which an id stands twice.

    Raises:
        InvalidCohortError: Says how many ids stand twice, never which.
    """
    repeated = sum(count > 1 for count in Counter(source_ids).values())
    if repeated:
        raise InvalidCohortError(
            "subject ids", f"{repeated} duplicated", "each subject once", "remove the duplicates from source_root"
        )


def no_scans(expected: str) -> InvalidCohortError:
    """The error of a source folder that holds no scan of the expected layout."""
    return InvalidCohortError(
        "source_root", "no scans found there", expected, "set source_root to the data set's folder"
    )
