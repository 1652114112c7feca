"""Acquisitions are converted once; what cannot be is recorded with its reason; no path names anybody."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from faircmr.core import InvalidScanError, OutputError
from faircmr.core.host import lease
from faircmr.sources import Acquisition, Converted, Outcome, conversion, convert_all
from faircmr.sources.conversion import RECORD

IDS = ("7234501", "7234502", "7234503", "7234504", "7234505", "7234506")


@dataclass(frozen=True)
class Copier:
    """Copies the input; refuses an empty one. Each call leaves a line in a log."""

    log: Path
    version: str = "1"

    def __call__(self, acquisition: Acquisition, folder: Path, salt: bytes) -> Outcome:
        with self.log.open("a") as log:
            log.write("one\n")
        content = acquisition.inputs[0].read_bytes()
        (folder / "scan.nii.gz").write_bytes(content)
        if not content:
            raise InvalidScanError("scan", "an empty file", "a whole one")
        return Outcome({"observer": content.decode()}, ("1 slice twice",))

    def calls(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


@pytest.fixture
def raw(tmp_path: Path) -> list[Acquisition]:
    folder = tmp_path / "raw"
    folder.mkdir()
    for source_id in IDS:
        (folder / f"{source_id}.zip").write_text(f"of {source_id[-1]}")
    return [Acquisition(source_id, (folder / f"{source_id}.zip",)) for source_id in IDS]


@pytest.fixture
def copier(tmp_path: Path) -> Copier:
    return Copier(tmp_path / "log")


def convert(raw: Sequence[Acquisition], copier: Copier, workers: int = 1) -> dict[str, Converted]:
    return convert_all(raw, copier, copier.log.with_name("converted"), workers)


@pytest.mark.parametrize("workers", [1, 2])
def test_makes_the_scans_of_everybody(raw: list[Acquisition], copier: Copier, workers: int):
    found = convert(raw, copier, workers)

    assert list(found) == list(IDS)
    assert [(one.folder / "scan.nii.gz").read_text() for one in found.values()] == [f"of {n}" for n in range(1, 7)]
    first = found[IDS[0]].record
    assert (first.reason, first.notes, first.problems) == ("", {"observer": "of 1"}, ("1 slice twice",))


def test_names_nobody_in_a_path(raw: list[Acquisition], copier: Copier):
    convert(raw, copier)

    made = list(copier.log.with_name("converted").rglob("*"))
    assert made
    assert not [path for path in made if any(source_id in str(path) for source_id in IDS)]


def test_makes_nothing_twice(raw: list[Acquisition], copier: Copier):
    before = convert(raw, copier)

    assert convert(raw, copier) == before
    assert copier.calls() == len(IDS)


def test_makes_anew_what_has_changed_and_nothing_else(raw: list[Acquisition], copier: Copier):
    convert(raw, copier)
    raw[2].inputs[0].write_text("of somebody")

    assert convert(raw, copier)[IDS[2]].record.notes == {"observer": "of somebody"}
    assert copier.calls() == len(IDS) + 1


def test_makes_anew_what_is_not_whole(raw: list[Acquisition], copier: Copier):
    found = convert(raw, copier)
    (found[IDS[0]].folder / "scan.nii.gz").write_text("of")
    (found[IDS[1]].folder / "scan.nii.gz").unlink()
    (found[IDS[2]].folder / RECORD).write_text("{")

    assert convert(raw, copier) == found
    assert copier.calls() == len(IDS) + 3


def test_makes_everything_anew_with_another_converter(raw: list[Acquisition], copier: Copier):
    convert(raw, copier)

    convert(raw, Copier(copier.log, version="2"))

    assert copier.calls() == 2 * len(IDS)


def test_records_why_there_are_no_scans_and_goes_on(raw: list[Acquisition], copier: Copier):
    raw[1].inputs[0].write_bytes(b"")

    found = convert(raw, copier)

    assert found[IDS[1]].record.reason == "an empty file; a whole one"
    assert [path.name for path in found[IDS[1]].folder.iterdir()] == [RECORD]
    assert [one.record.reason for source_id, one in found.items() if source_id != IDS[1]] == [""] * 5
    assert convert(raw, copier) == found
    assert copier.calls() == len(IDS)


def test_a_second_converter_is_refused_and_a_reader_is_not(raw: list[Acquisition], copier: Copier):
    root = copier.log.with_name("converted")
    with lease(root, "converted scans"), pytest.raises(OutputError, match="converted scans: being written by process"):
        convert(raw, copier)
    assert copier.calls() == 0

    found = convert(raw, copier)
    with lease(root, "converted scans"):
        assert convert(raw, copier) == found


def test_what_another_process_converted_meanwhile_is_not_converted_again(
    raw: list[Acquisition], copier: Copier, monkeypatch: pytest.MonkeyPatch
):
    @contextmanager
    def taken_late(output: Path, what: str) -> Iterator[None]:
        monkeypatch.setattr(conversion, "lease", lease)
        convert(raw[:4], copier)
        with lease(output, what):
            yield

    monkeypatch.setattr(conversion, "lease", taken_late)
    found = convert(raw, copier)

    assert list(found) == list(IDS)
    assert copier.calls() == len(IDS)


def test_what_was_refused_before_reasons_had_remedies_is_tried_anew_and_what_was_made_is_kept(
    raw: list[Acquisition], copier: Copier
):
    raw[1].inputs[0].write_bytes(b"")
    found = convert(raw, copier)
    record = found[IDS[1]].folder / RECORD
    record.write_text(record.read_text().replace(conversion.WITH_REMEDY, ""))

    assert convert(raw, copier) == found
    assert copier.calls() == len(IDS) + 1
