"""Scans that nobody has labelled: cines and single frames, read one frame at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from faircmr.core.anatomy import Phase
from faircmr.core.errors import InvalidCohortError, InvalidScanError
from faircmr.core.left_out import LeftOut
from faircmr.core.scan import Scan

LOOK_UP = "mend or remove the scan that 01_raw/predict_key.csv lists under this key"


@dataclass(frozen=True)
class Frame:
    """One frame of a subject.

    Attributes:
        index: Place in the cardiac cycle, from 0; ``None`` for a frame that stands alone.
        phase: Phase that the file's name states, or ``None``.
        scan: Image and grid, without a label.
    """

    index: int | None
    phase: Phase | None
    scan: Scan = field(repr=False)


@dataclass(frozen=True)
class UnlabelledScans:
    """Scans of a folder by study key.

    Attributes:
        fingerprints: Of each subject; changes when a file of the subject changes.
        readers: Reads the frames of each subject, one in memory at a time; never shown.
        left_out: Files that are of no subject, and what else the folder holds.
        files: NIfTI files in the folder, those that are left out among them.
    """

    fingerprints: Mapping[str, str]
    readers: Mapping[str, Callable[[], Iterator[Frame]]] = field(repr=False)
    left_out: tuple[LeftOut, ...] = ()
    files: int = 0

    def frames(self, subject_id: str) -> Iterator[Frame]:
        """Frames of one subject in the order of the cycle; each is read when it is asked for.

        Raises:
            InvalidCohortError: There is no such subject.
            InvalidScanError: A file cannot be used; names the study key. Damage at the end of a
                compressed file shows only there, after its frames.
        """
        if subject_id not in self.readers:
            raise InvalidCohortError(subject_id, "no such scan", "a subject of this folder")
        try:
            yield from self.readers[subject_id]()
        except InvalidScanError as error:
            raise InvalidScanError(subject_id, error.value, error.permitted, error.remedy or LOOK_UP) from None
