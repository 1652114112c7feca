"""Convert acquisitions that are not NIfTI (DICOM archives, contours) to NIfTI once, in a folder of the study.

Folders are named by a keyed digest of the source id, so that no path of the study gives an id away. Each has a record
of what it was made of; what is recorded and unchanged is not made again, and what cannot be made is recorded with
its reason.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

from pydantic import Field, ValidationError

from faircmr.core import InvalidScanError, Omission, Parameters
from faircmr.core.host import lease, write_atomically
from faircmr.core.study import pseudonym, read_or_create_salt, read_salt
from faircmr.sources.base import FileState, file_state

RECORD, SALT = "conversion.json", "salt"
WITH_REMEDY = ", reasons with remedies"
"""Part of the version of a record with a reason: earlier records had no remedy, and are made anew."""
FEW = 4
"""Acquisitions up to which starting further processes costs more than it saves."""
CORRECTED = "used in part or corrected"
_COUNT = re.compile(r"^(\d+) |: (\d+)$")
"""How often a problem occurs in one acquisition."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Acquisition:
    """What lies in the source of one subject.

    Attributes:
        source_id: Its name there.
        inputs: Every file that the scans are made of.
    """

    source_id: str
    inputs: tuple[Path, ...]


@dataclass(frozen=True)
class Outcome:
    """What a conversion has to tell besides the files that it wrote.

    Attributes:
        notes: Facts by name, e.g. who drew the contours.
        problems: What was put right or left out, one sentence each, with no name of anybody.
    """

    notes: Mapping[str, str]
    problems: tuple[str, ...] = ()


class Converter(Protocol):
    """Makes the scans of one subject; can be sent to another process."""

    @property
    def version(self) -> str:
        """Changes when other scans are made of the same files: what is there is then made anew."""

    def __call__(self, acquisition: Acquisition, folder: Path, salt: bytes) -> Outcome:
        """Write the scans into an existing folder.

        Raises:
            InvalidScanError: They cannot be made of these files.
        """


class ConversionRecord(Parameters):
    """What a folder of converted scans was made of.

    Attributes:
        version: The converter's; of a record with a reason, :data:`WITH_REMEDY` follows.
        inputs: Size and time of each input.
        reason: Why there are no scans, and what to do; empty where there are.
        notes: As of the :class:`Outcome`.
        problems: As of the :class:`Outcome`.
        sizes: Bytes of every file in the folder.
    """

    version: str
    inputs: tuple[FileState, ...]
    reason: str = ""
    notes: dict[str, str] = Field(default_factory=dict)
    problems: tuple[str, ...] = ()
    sizes: dict[str, int] = Field(default_factory=dict)


@dataclass(frozen=True)
class Converted:
    """One subject's folder and its record."""

    folder: Path
    record: ConversionRecord


def convert_all(
    acquisitions: Sequence[Acquisition], converter: Converter, root: Path, workers: int
) -> dict[str, Converted]:
    """Convert what is not converted yet.

    Args:
        acquisitions: Each subject once.
        converter: Makes the scans of one.
        root: Folder of all of them.
        workers: Subjects that are converted at the same time.

    Returns:
        Folder and record of every subject, by source id; a record with a reason stands for a subject without scans.

    Raises:
        OutputError: Another process converts them, or the folder cannot be written.
    """
    found = _find_converted(acquisitions, converter, root)
    if len(found) == len(acquisitions):
        return found
    with lease(root, "converted scans"):
        # another process may have converted some since
        found = _find_converted(acquisitions, converter, root)
        missing = [one for one in acquisitions if one.source_id not in found]
        logger.info("Converting %d of %d acquisitions", len(missing), len(acquisitions))
        convert = partial(_convert_subject, converter=converter, root=root, salt=read_or_create_salt(root / SALT))
        made = _convert_in_parallel(convert, missing, workers)
        found |= dict(zip((one.source_id for one in missing), made, strict=True))
    return {one.source_id: found[one.source_id] for one in acquisitions}


def _find_converted(acquisitions: Sequence[Acquisition], converter: Converter, root: Path) -> dict[str, Converted]:
    """Those that need no work."""
    if not (root / SALT).exists():
        return {}
    found, salt = {}, read_salt(root / SALT)
    for one in acquisitions:
        folder = root / pseudonym(one.source_id, salt)
        if record := _current_record(one, folder, converter.version):
            found[one.source_id] = Converted(folder, record)
    return found


def conversion_omissions(converted: Mapping[str, Converted]) -> list[Omission]:
    """What conversions put right or left out, by kind of problem, the most frequent first.

    Args:
        converted: Folder and record of every subject, as of :func:`convert_all`.
    """
    subjects: Counter[str] = Counter()
    instances: Counter[str] = Counter()
    for each in converted.values():
        for problem in each.record.problems:
            kind = _COUNT.sub("", problem)
            subjects[kind] += 1
            instances[kind] += sum(int(count) for pair in _COUNT.findall(problem) for count in pair if count)
    return [
        Omission(
            "converted acquisitions", count, len(converted), _problem_text(kind, instances[kind]), outcome=CORRECTED
        )
        for kind, count in subjects.most_common()
    ]


def _problem_text(kind: str, instances: int) -> str:
    return f"{kind} ({instances} in all)" if instances else kind


class _ConvertOne(Protocol):
    def __call__(self, acquisition: Acquisition, /) -> Converted: ...


def _convert_in_parallel(
    convert: _ConvertOne, acquisitions: Sequence[Acquisition], workers: int
) -> Iterable[Converted]:
    if workers == 1 or len(acquisitions) <= FEW:
        return map(convert, acquisitions)
    # a fresh interpreter: forking a process that has threads may deadlock
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(convert, acquisitions, chunksize=4))


def _convert_subject(acquisition: Acquisition, converter: Converter, root: Path, salt: bytes) -> Converted:
    folder = root / pseudonym(acquisition.source_id, salt)
    inputs = tuple(file_state(path) for path in acquisition.inputs)
    folder.mkdir(parents=True, exist_ok=True)
    _clear_folder(folder)
    try:
        outcome = converter(acquisition, folder, salt)
        record = ConversionRecord(
            version=converter.version,
            inputs=inputs,
            notes=dict(outcome.notes),
            problems=outcome.problems,
            sizes=_file_sizes(folder),
        )
    except InvalidScanError as error:
        _clear_folder(folder)
        version = f"{converter.version}{WITH_REMEDY}"
        record = ConversionRecord(version=version, inputs=inputs, reason=error.reason())
    write_atomically(folder / RECORD, record.model_dump_json(indent=0).encode())
    return Converted(folder, record)


def _current_record(acquisition: Acquisition, folder: Path, version: str) -> ConversionRecord | None:
    """The record of a folder that needs no work."""
    try:
        record = ConversionRecord.model_validate_json((folder / RECORD).read_bytes())
    except (OSError, ValidationError):
        return None
    unchanged = record.inputs == tuple(file_state(path) for path in acquisition.inputs)
    expected = f"{version}{WITH_REMEDY}" if record.reason else version
    return record if unchanged and record.version == expected and record.sizes == _file_sizes(folder) else None


def _file_sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir()) if path.name != RECORD}


def _clear_folder(folder: Path) -> None:
    # the record first: a folder without one is made anew
    for path in sorted(folder.iterdir(), key=lambda path: path.name != RECORD):
        path.unlink()
