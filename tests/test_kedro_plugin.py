"""Commands outside of a project: one line, nothing written, and nothing sent."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from faircmr import kedro_plugin

REPOSITORY = Path(__file__).resolve().parents[1]


def test_kedro_finds_the_entry_points() -> None:
    assert [one.load() for one in entry_points(group="kedro.init", name="faircmr")] == [kedro_plugin.turn_telemetry_off]
    assert [one.load() for one in entry_points(group="kedro.cli_hooks", name="faircmr")] == [
        kedro_plugin.refuse_outside_of_project
    ]


@pytest.mark.parametrize(("before", "after"), [(None, "1"), ("", "1"), ("true", "true")])
def test_telemetry_is_off(before: str | None, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(kedro_plugin.TELEMETRY_OFF, raising=False)
    if before is not None:
        monkeypatch.setenv(kedro_plugin.TELEMETRY_OFF, before)

    kedro_plugin.turn_telemetry_off()

    assert os.environ[kedro_plugin.TELEMETRY_OFF] == after


@pytest.mark.parametrize("arguments", [[], ["--version"], ["info"], ["new", "--name", "x"], ["viz"]])
def test_commands_that_need_no_project_pass(arguments: list[str]) -> None:
    kedro_plugin.refuse_outside_of_project.before_command_run(None, arguments)


def test_commands_in_a_project_pass() -> None:
    kedro_plugin.refuse_outside_of_project.before_command_run(object(), ["run"])


@pytest.mark.parametrize("command", ["run", "catalog", "ipython", "jupyter", "registry"])
def test_commands_of_a_project_need_one(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        kedro_plugin.refuse_outside_of_project.before_command_run(None, [command, "--env", "acdc"])

    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("Error: project: not in this folder or above it; ")


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (("kedro", "run", "--pipelines", "audit", "--params", "data_root=study"), 1),
        (("faircmr", "--pipelines", "audit", "--params", "data_root=study"), 1),
        (("kedro", "--version"), 0),
    ],
)
def test_outside_of_a_project_nothing_is_written_and_nothing_sent(
    command: tuple[str, ...], status: int, tmp_path: Path
) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    here.mkdir()
    home.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        own = {"HOME": str(home), "HTTPS_PROXY": address, "HTTP_PROXY": address, "PYTHONPATH": str(REPOSITORY / "src")}
        kept = {name: value for name, value in os.environ.items() if name not in {"KEDRO_DISABLE_TELEMETRY", "CI"}}
        finished = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=here,
            env={**kept, **own, "COLUMNS": "400"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        with pytest.raises(BlockingIOError):  # nobody has connected
            proxy.accept()

    assert finished.returncode == status
    assert [*here.iterdir(), *home.iterdir()] == []
    if status:
        assert finished.stderr.splitlines()[-1].startswith("Error: project: not in this folder or above it; ")
        assert "Traceback" not in finished.stderr
