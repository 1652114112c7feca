"""What a trained strategy says of scans that nobody has labelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from faircmr.core.parameters import Parameters
from faircmr.core.scan import Geometry, LabelImage
from faircmr.core.volumes import FrameVolumes


class PredictParameters(Parameters):
    """The parameters ``predict``.

    Attributes:
        keep: Which label images of a cine are written; volumes are tabulated of every frame in any case.
    """

    keep: Literal["ed_es", "all_frames"] = "ed_es"


class SubjectRecord(Parameters):
    """Every frame of one subject, or why there is none.

    Attributes:
        subject_id: Study key.
        frames: In the order of the cycle; empty where the subject could not be predicted.
        saved: Positions in ``frames`` whose label image is kept.
        problem: Why the subject could not be predicted; empty where it was.
    """

    subject_id: str
    frames: tuple[FrameVolumes, ...] = ()
    saved: tuple[int, ...] = ()
    problem: str = ""

    @property
    def without_phases(self) -> bool:
        """Whether this is a cine in which ED and ES could not be told."""
        return len(self.frames) > 1 and all(one.phase is None for one in self.frames)


class SavedFrame(NamedTuple):
    """Names one label image: ``("sub-0001", "ED")``; see :attr:`FrameVolumes.name`."""

    subject_id: str
    name: str


class FrameLabel(NamedTuple):
    """A label image, shape (slices, rows, columns), and the source's own grid."""

    label: LabelImage
    geometry: Geometry


@dataclass(frozen=True)
class SegmentedSubject:
    """A subject that has been predicted.

    Attributes:
        record: What was found.
        labels: Label images of the frames in ``record.saved``, in that order.
    """

    record: SubjectRecord
    labels: tuple[FrameLabel, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class PendingSubject:
    """A subject that is segmented when it is asked for, and not at all where nothing has changed.

    Attributes:
        subject_id: Study key.
        fingerprint: Changes when the scan, the models or the way to predict change.
        segment: Does it.
    """

    subject_id: str
    fingerprint: str
    segment: Callable[[], SegmentedSubject] = field(repr=False)


class CinePredictions(Protocol):
    """Predictions of a folder: records of all subjects, and label images read one at a time."""

    @property
    def records(self) -> Mapping[str, SubjectRecord]:
        """By study key."""

    def __getitem__(self, key: SavedFrame, /) -> FrameLabel: ...

    def __iter__(self) -> Iterator[SavedFrame]: ...

    def __len__(self) -> int: ...
