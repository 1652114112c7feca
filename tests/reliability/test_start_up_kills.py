"""A fit on two devices that is killed while it starts hangs nowhere, and leaves no process behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.reliability.start_up_kills import FIRST, SECOND, STARTER, is_clear, kill_one
from tests.segmentation.phantoms import write_study


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("moment", [0.0, 4.0])
@pytest.mark.parametrize("victim", [STARTER, FIRST, SECOND])
def test_whichever_process_is_killed_all_end(victim: str, moment: float, tmp_path: Path) -> None:
    write_study(tmp_path / "tensors", subjects=8)

    outcome = kill_one(tmp_path, 0, victim, moment)

    assert outcome.left == 0
    assert outcome.clear


@pytest.mark.parametrize(
    ("printed", "clear"),
    [
        (["Error: seed-0/shared on 2 devices: a process was killed; processes that all end well; run it"], True),
        (["noise", "Error: seed-0/shared on 2 devices: a process was killed; x; y"], True),
        (["Traceback (most recent call last):", "Error: seed-0/shared on 2 devices: x; y; z"], False),
        (["KeyError: x"], False),
        ([], False),
    ],
)
def test_a_clear_end_is_one_line(printed: list[str], clear: bool) -> None:
    assert is_clear(printed) is clear
