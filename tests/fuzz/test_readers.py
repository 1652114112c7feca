"""Damaged files are read, or refused in the project's own words; ``make fuzz`` reads a hundred thousand."""

from __future__ import annotations

import os
import re
import time
import warnings
from pathlib import Path

import pytest

from tests.fuzz.campaign import Tally, Worker, inputs
from tests.fuzz.examining import Examiner
from tests.fuzz.readers import READERS, Reader
from tests.fuzz.variants import Tree
from tests.sources.dicom.written import SECRET

FEW, FEWEST = 6, 30
"""Damaged inputs a share, and of a reader with a small one."""
UTF_16 = "text in UTF#"


@pytest.mark.parametrize("name", READERS)
def test_reads_what_is_whole(name: str, tmp_path: Path):
    examiner = Examiner(READERS[name], tmp_path)

    outcomes = [examiner.examine(make()) for make in READERS[name].seeds]

    assert not [outcome.fault for outcome in outcomes if outcome.fault]
    assert not [outcome for outcome in outcomes if "value" not in outcome.signature and UTF_16 not in outcome.signature]


@pytest.mark.parametrize("name", READERS)
def test_reads_what_is_damaged_or_refuses_it(name: str, tmp_path: Path):
    warnings.filterwarnings("error", module="faircmr")
    examiner, tally = Examiner(READERS[name], tmp_path), Tally(name)

    for _, tree, corpus in inputs(name, seed=1, count=max(FEW * READERS[name].share, FEWEST)):
        if tally.add(examiner.examine(tree)):
            corpus.append(tree)

    assert tally.faults == {}
    assert len(tally.signatures) >= 4, "damage is met at several places"


def reader(read) -> Reader:
    return Reader("one at fault", [dict[str, bytes]], read)


def crashes(root, own):
    yield lambda: {}["absent"]


def tells(root, own):
    yield lambda: ["read", str(root)]


def strays(root, own):
    yield (root.parent / "stray").mkdir


def spoils(root, own):
    yield lambda: (root / "a").write_bytes(b"b")


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (crashes, "KeyError: 'absent'"),
        (tells, f"told the secret: .*{SECRET}"),
        (strays, "a file outside the study: os.mkdir .*stray"),
        (spoils, "a file outside the study: open .*/a"),
    ],
)
def test_sees_what_a_reader_must_not_do(read, said: str, tmp_path: Path):
    outcome = Examiner(reader(read), tmp_path).examine({"a": b"a"})

    assert re.search(said, outcome.fault)


def trees(name: str, seed: int) -> list[Tree]:
    return [tree for _, tree, _ in inputs(name, seed, 40)]


@pytest.mark.parametrize("name", ["dicom archives", "nnU-Net"])
def test_inputs_are_a_function_of_seed_and_number_whatever_the_time(name: str, monkeypatch: pytest.MonkeyPatch):
    first = trees(name, 3)
    monkeypatch.setattr(time, "localtime", lambda _=None: time.gmtime(10**9))

    assert trees(name, 3) == first
    assert trees(name, 3) != trees(name, 4)


def obeys(root, own):
    (path,) = root.iterdir()
    yield {"die": lambda: os._exit(3), "hang": lambda: time.sleep(60), "eat": lambda: bytes(2**40)}.get(path.name, list)


@pytest.mark.slow
def test_a_worker_outlives_what_kills_it():
    worker = Worker(reader(obeys), patience=1.0)

    found = [worker.examine({name: b""}) for name in ("live", "die", "live", "hang", "live", "eat", "live")]
    worker.close()

    assert [outcome.signature[:8] for outcome in found[1::2]] == ["death 3", "hang", "fault Me"]
    assert [outcome.signature for outcome in found[::2]] == ["value []"] * 4
    assert all(outcome.fault for outcome in found[1::2])
