"""A test that is skipped in CI fails, unless ``allowed_skips.txt`` says why it may be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ALLOWED_SKIPS = Path(__file__).with_name("allowed_skips.txt")


def allowed_skips(text: str) -> Mapping[str, str]:
    """Reasons by pattern of node ids: one ``<pattern>: <reason>`` a line, ``#`` starts a comment line.

    Raises:
        ValueError: A line gives no reason.
    """
    lines = (line.strip() for line in text.splitlines())
    pairs = [line.partition(": ") for line in lines if line and not line.startswith("#")]
    for pattern, _, reason in pairs:
        if not pattern or not reason.strip():
            raise ValueError(f"allowed_skips.txt: {pattern or reason!r}; '<pattern of node ids>: <reason>' a line")
    return {pattern.strip(): reason.strip() for pattern, _, reason in pairs}


class SkipPolicy:
    """Plugin that turns a skip that nobody has allowed into a failure."""

    def __init__(self, allowed: Mapping[str, str]) -> None:
        self.allowed = allowed

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Iterator[None]:
        return self._judged((yield))

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Iterator[None]:
        return self._judged((yield))

    def _judged(self, report):
        expected_failure = hasattr(report, "wasxfail")
        if report.skipped and not expected_failure and not self._allows(report.nodeid):
            report.outcome = "failed"
            report.longrepr = f"skipped, and tests/allowed_skips.txt does not list it: {reason_of(report)}"
        return report

    def _allows(self, nodeid: str) -> bool:
        return any(fnmatchcase(nodeid, pattern) for pattern in self.allowed)


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)


def register(config: pytest.Config) -> None:
    """Apply the policy where the environment says that this is CI."""
    if os.environ.get("CI", "").lower() == "true":
        config.pluginmanager.register(SkipPolicy(allowed_skips(ALLOWED_SKIPS.read_text())), "faircmr-skip-policy")
