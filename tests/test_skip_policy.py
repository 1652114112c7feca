"""In CI a skipped test fails the run unless its reason is written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.skip_policy import ALLOWED_SKIPS, allowed_skips

pytest_plugins = ["pytester"]

CONFTEST = f"""
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[1])!r})
from tests import skip_policy

def pytest_configure(config):
    config.pluginmanager.register(skip_policy.SkipPolicy({{"*::test_allowed": "needs a GPU"}}))
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(CONFTEST)
    return pytester


def test_a_skip_that_is_not_listed_fails_and_is_named(suite: pytest.Pytester):
    suite.makepyfile("import pytest\ndef test_scans(): pytest.skip('no scans here')")

    result = suite.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*allowed_skips.txt does not list it: *no scans here*"])


def test_a_skipped_module_fails_too(suite: pytest.Pytester):
    suite.makepyfile("import pytest\npytest.importorskip('no_such_module')\ndef test_nothing(): pass")

    assert suite.runpytest_subprocess().ret == pytest.ExitCode.INTERRUPTED


def test_a_listed_skip_and_an_expected_failure_pass(suite: pytest.Pytester):
    suite.makepyfile(
        "import pytest\n"
        "def test_allowed(): pytest.skip('no GPU')\n"
        "@pytest.mark.xfail\n"
        "def test_known_bug(): assert False\n"
    )

    result = suite.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(skipped=1, xfailed=1)


def test_a_line_without_a_reason_is_refused():
    with pytest.raises(ValueError, match=r"tests/scans\.py::test_one"):
        allowed_skips("tests/scans.py::test_one")


def test_every_line_of_the_projects_list_gives_a_reason():
    allowed_skips(ALLOWED_SKIPS.read_text())
