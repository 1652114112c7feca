"""``python -m faircmr`` away from any project; ``tests/packaging`` runs it from the wheel."""

import pytest
from kedro.framework import project as kedro_project

from faircmr.__main__ import main


def test_is_kedro_run(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        with pytest.raises(SystemExit) as ended:
            main(["--help"])
    finally:
        kedro_project.pipelines.configure(None)
        kedro_project.PACKAGE_NAME = None

    assert ended.value.code == 0
    assert "--conf-source" in capsys.readouterr().out
