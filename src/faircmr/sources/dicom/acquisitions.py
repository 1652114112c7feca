"""Which of several acquisitions of a slice counts, and in which order its phases come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import groupby

from faircmr.sources.dicom.headers import Frame

Clock = Callable[[Frame], float]
"""Time of an image within the heart cycle, in milliseconds or in places."""


def clock_of(frames: Sequence[Frame]) -> tuple[Clock | None, bool]:
    """What tells the phases apart.

    Args:
        frames: All images of a cine.

    Returns:
        TriggerTime where every image has one and they are not all equal, else InstanceNumber, else ``None``;
        and whether it is in milliseconds.
    """
    triggers = [frame.header.trigger_time for frame in frames]
    if None not in triggers and len(set(triggers)) > 1:
        return _trigger_time, True
    if all(frame.header.instance is not None for frame in frames):
        return _instance, False
    return None, False


def without_copies(frames: Sequence[Frame], contoured: Collection[str]) -> list[Frame]:
    """Leave out images that stand twice: of one series, place, number and trigger time.

    Args:
        frames: All images of a cine.
        contoured: SOPInstanceUIDs that somebody has drawn on: of two copies that one is kept, else the last.
    """
    kept = {
        (header.series_uid, header.position, header.instance, header.trigger_time): frame
        for frame in sorted(frames, key=lambda frame: (frame.header.uid in contoured, *_age(frame)))
        for header in [frame.header]
    }
    return list(kept.values())


def acquisitions_of(frames: Sequence[Frame], clock: Clock) -> list[list[Frame]]:
    """Divide the images of one slice into acquisitions, each in the order of time.

    A new acquisition begins with a new series, or where time falls back by more than half of a cycle while
    InstanceNumber rises: a series may hold the same slice twice.
    """
    ordered = sorted(frames, key=lambda frame: (frame.header.series_uid, frame.header.instance or 0.0, clock(frame)))
    of_each_series = (list(group) for _, group in groupby(ordered, key=lambda frame: frame.header.series_uid))
    return [sorted(part, key=clock) for series in of_each_series for part in _divided(series, clock)]


def chosen(acquisitions: Sequence[list[Frame]], contoured: Collection[str]) -> tuple[list[Frame], bool]:
    """The acquisition of a slice that counts, and whether it has contours.

    It is the one with most contours, of equals the one with most phases (a scan may have been broken off), of
    equals the last.

    Source:
        ``biobank_utils.py`` of baiwenjia/ukbb_cardiac, which takes the annotated series, else the last one.
    """

    def worth(acquisition: list[Frame]) -> tuple[int, int, tuple[str, ...]]:
        return _drawn_on(acquisition, contoured), len(acquisition), max(_age(frame) for frame in acquisition)

    best = max(acquisitions, key=worth)
    return best, _drawn_on(best, contoured) > 0


def _divided(series: list[Frame], clock: Clock) -> list[list[Frame]]:
    times = [clock(frame) for frame in series]
    half = (max(times) - min(times)) / 2
    starts = [place for place in range(1, len(times)) if times[place - 1] - times[place] > half]
    return [series[start:end] for start, end in zip([0, *starts], [*starts, len(series)], strict=True)]


def _drawn_on(acquisition: list[Frame], contoured: Collection[str]) -> int:
    return sum(frame.header.uid in contoured for frame in acquisition)


def _age(frame: Frame) -> tuple[str, ...]:
    # the UID decides where nothing else does, so that the order of files never matters
    return frame.header.acquired, frame.header.uid


def _trigger_time(frame: Frame) -> float:
    return frame.header.trigger_time or 0.0


def _instance(frame: Frame) -> float:
    return frame.header.instance or 0.0
