"""An error states what is wrong, what is permitted and what to do; so does the reason that a table gives."""

from __future__ import annotations

import pytest

from faircmr.core import InvalidScanError

COMMON = "look it up in the table of keys"


@pytest.mark.parametrize(
    ("permitted", "remedy", "reason"),
    [
        ("one image a file", "split it", "several frames; one image a file; split it"),
        ("one image a file", "", "several frames; one image a file"),
        ("", "split it", "several frames; split it"),
        ("", "", "several frames"),
        ("one image a file", COMMON, "several frames; one image a file"),
    ],
)
def test_a_reason_leaves_out_the_offender_and_the_common_remedy(permitted: str, remedy: str, reason: str):
    error = InvalidScanError("sub-0001 ED", "several frames", permitted, remedy)

    assert error.reason(COMMON) == reason


def test_a_number_is_a_value():
    assert InvalidScanError("scan", 3, "4").reason() == "3; 4"
