"""What examples/cluster says can be run: scripts parse, options and parameters exist, copied files are there."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import click
import dask
import pytest
import yaml
from dask_jobqueue.slurm import SLURMJob
from distributed.cli import dask_scheduler, dask_worker
from kedro.framework.cli.project import run as kedro_run

from faircmr.core import SLURM, ClusterParameters
from faircmr.pipeline_registry import register_pipelines
from faircmr.runners.cluster import slurm_cluster
from faircmr.segmentation import TrainingParameters

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "examples" / "cluster"
SCRIPTS = sorted(FOLDER.glob("*.sh"))
SETTINGS = f"jobqueue.{SLURMJob.config_name}"
COMMANDS = {
    "kedro run": kedro_run,
    "distributed.cli.dask_scheduler": dask_scheduler.main,
    "distributed.cli.dask_worker": dask_worker.main,
}
SBATCH = {
    *("job-name", "nodes", "ntasks", "cpus-per-task", "gpus-per-node", "gpus", "mem", "time", "signal", "requeue"),
    *("open-mode", "output"),
}
"""Options that the manual page sbatch(1) has."""


def commands(script: str) -> list[tuple[click.Command, list[str]]]:
    """Commands of ours in a script, with their words."""
    lines = script.replace("\\\n", " ").splitlines()
    return [
        (command, shlex.split(line.partition(name)[2]))
        for line in lines
        for name, command in COMMANDS.items()
        if name in line and not line.startswith("#")
    ]


def parameters(words: list[str]) -> dict[str, str]:
    if "--params" not in words:
        return {}
    return dict(pair.split("=", 1) for pair in words[words.index("--params") + 1].split(","))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_parses_and_can_be_run(script: Path):
    assert script.stat().st_mode & 0o111
    checked = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "set -euo pipefail" in script.read_text()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_options_and_parameters_of_a_script_exist(script: Path):
    found = commands(script.read_text())

    assert found or script.name == "certificates.sh"
    for command, words in found:
        known = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
        assert {word for word in words if word.startswith("--")} <= known
        given = parameters(words)
        assert given.keys() <= {
            *(f"cluster.{name}" for name in ClusterParameters.model_fields),
            *(f"training.{name}" for name in TrainingParameters.model_fields),
            *yaml.safe_load((REPOSITORY / "conf" / "base" / "globals.yml").read_text()),
        }


def test_parameters_and_pipelines_of_the_page_exist():
    page = (REPOSITORY / "docs" / "cluster.md").read_text()

    named = set(re.findall(r"\bcluster\.(\w+)=", page))
    assert named == set(ClusterParameters.model_fields)
    for path in re.findall(r"examples/cluster/[\w./]*\w", page):
        assert (REPOSITORY / path).exists(), path
    assert set(re.findall(r"\b__\w+__\b", page)) <= register_pipelines().keys()


def test_sbatch_is_asked_for_what_it_knows():
    for script in (FOLDER / "slurm.sh").read_text(), str(_jobqueue()["job-extra-directives"]):
        asked = re.findall(r"(?:#SBATCH |')--([a-z-]+)", script)
        assert asked
        assert set(asked) <= SBATCH


def test_a_workers_job_is_what_the_settings_say_and_is_encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    settings = {**dask.config.get(SETTINGS), **_jobqueue(), "interface": "lo"}
    with (
        dask.config.set({SETTINGS: settings}),
        slurm_cluster(ClusterParameters(address=SLURM, workers=2, gpus=1), jobs=0) as cluster,
    ):
        script, address = cluster.job_script(), cluster.scheduler_address

    assert address.startswith("tls://127.0.0.1:")
    for words in ("--cpus-per-task=4", "--mem=30G", "-t 12:00:00", "--gpus=1", "--requeue"):
        assert f"#SBATCH {words}" in script
    (worker,) = [line for line in script.splitlines() if "dask_worker" in line]
    known = {option for parameter in dask_worker.main.params for option in parameter.opts + parameter.secondary_opts}
    words = shlex.split(worker)
    assert {word for word in words if word.startswith("--")} <= known
    assert words[len(words) - words[::-1].index("--nthreads")] == "1", "the last one counts"
    assert "GPU=1" in words
    assert "--tls-key" in words
    assert list(tmp_path.glob("*.pem")) == [], "keys are removed with the cluster"


def _jobqueue() -> dict[str, object]:
    settings: dict[str, object] = yaml.safe_load((FOLDER / "dask" / "jobqueue.yaml").read_text())["jobqueue"]["slurm"]
    assert settings.keys() <= dask.config.get(SETTINGS).keys()
    return settings


def test_the_image_is_made_of_files_that_are_there_and_says_how_it_starts():
    lines = (FOLDER / "Dockerfile").read_text().splitlines()

    copied = [word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]]
    assert {"pyproject.toml", "constraints.txt", "src", "conf", "examples/cluster"} <= set(copied)
    for name in copied:
        assert (REPOSITORY / name).exists(), name
    assert lines[0].startswith("# ")
    assert 'CMD ["python", "-m", "kedro", "run"]' in lines
    assert not any(line.startswith("ENTRYPOINT") for line in lines), "a platform's shell would stand behind it"


def test_nothing_is_handed_to_the_builder_but_what_the_image_is_made_of():
    lines = [
        line for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] not in ("", "#")
    ]
    copied = [line for line in (FOLDER / "Dockerfile").read_text().splitlines() if line.startswith("COPY")]

    assert lines[0] == "*"
    again = {line[1:] for line in lines if line.startswith("!")}
    assert again == {word for line in copied for word in line.split()[1:-1]} | {"conf/local/.gitkeep"}
    assert lines.index("conf/local/*") > lines.index("!conf"), "what comes last counts"
    assert "**/*credentials*" in lines[lines.index("!examples/cluster") :]
