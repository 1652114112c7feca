"""``kedro run`` as a user sees it: what is on the last line, in the log, and on disk."""

from __future__ import annotations

import json
import os
import shutil
import signal

import pytest
from click.testing import CliRunner, Result
from kedro.framework.cli.project import run
from kedro.framework.session.session import KedroSessionError
from kedro.runner import ThreadRunner

from faircmr.core import InvalidParameterError
from faircmr.core.host import lease
from faircmr.running.progress import EVENTS
from tests.mini_study import ALL, MiniStudy


def kedro_run(*arguments: str) -> Result:
    return CliRunner().invoke(run, arguments)


def test_deprecated_and_present_names_of_a_pipeline_both_work(study: MiniStudy) -> None:
    assert kedro_run("--pipelines", "first,last").exit_code == 0
    with pytest.warns(DeprecationWarning, match="--pipeline"):
        assert kedro_run("--pipeline", "first").exit_code == 0


def test_an_error_in_a_data_set_ends_with_one_line(study: MiniStudy) -> None:
    (study.data / "numbers.json").unlink()

    finished = kedro_run()

    assert finished.exit_code == 1
    assert finished.stderr.splitlines()[-1] == "Error: sub-0001 ED: file missing; a whole file; mend it"
    assert "Traceback" not in finished.output
    assert "Traceback" in (study.folder / "logs" / "faircmr.log").read_text()


@pytest.mark.parametrize(
    ("params", "line"),
    [
        ("doublng.factor=3", "doublng.factor: 3; there is no such name; did you mean doubling.factor?"),
        ("doubling.factr=3", "doubling.factr: 3; there is no such name; did you mean doubling.factor?"),
        (
            "doubling.inner.rotaton=3",
            "doubling.inner.rotaton: 3; there is no such name; did you mean doubling.inner.rot",
        ),
        ("data_rot=x", "data_rot: 'x'; there is no such name; did you mean data_root?"),
        ("doubling.factor=five", "doubling.factor: 'five'; Input should be a valid integer"),
        ("a.strategy.sampler=fair", "a.strategy.sampler: 'fair'; Input should be 'random' or 'stratified'"),
    ],
)
def test_a_wrong_parameter_ends_with_one_line_before_anything_is_written(
    study: MiniStudy, params: str, line: str
) -> None:
    before = sorted(study.data.rglob("*"))

    finished = kedro_run("--params", params, "--pipelines", "first")

    assert finished.exit_code == 1
    assert finished.stderr.splitlines()[-1].startswith(f"Error: {line}")
    assert sorted(study.data.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--pipelines", "frist"), "Error: --pipelines: 'frist'; one of __default__, first, last; did you mean first?"),
        (("--nodes", "cuont"), "Error: --nodes: 'cuont'; one of count, double, spread, total; did you mean count?"),
        (("--from-nodes", "total", "--pipelines", "first"), "Error: --from-nodes: 'total'; one of count, double; "),
        (
            ("--env", "locale"),
            "Error: --env: 'locale'; one of: local; did you mean local? If not, create the folder locale ",
        ),
        (("--conf-source", "src"), "Error: --conf-source: no folder base in it; a folder of configuration with "),
        (("--runner", "ParallelRunner"), "Error: --runner: ParallelRunner; SequentialRunner or ThreadRunner; "),
    ],
)
def test_a_wrong_choice_ends_with_one_line(study: MiniStudy, arguments: tuple[str, ...], line: str) -> None:
    finished = kedro_run(*arguments)

    assert finished.exit_code == 1
    assert finished.stderr.splitlines()[-1].startswith(line)


@pytest.mark.parametrize(
    ("missing", "line"),
    [
        ("conf/local", "Error: --env: 'local'; one of: none yet; create the folder local in the folder of the config"),
        ("conf/base", "Error: --conf-source: no folder base in it; "),
    ],
)
def test_a_part_of_the_configuration_that_is_missing_is_named(study: MiniStudy, missing: str, line: str) -> None:
    shutil.rmtree(study.folder / missing)

    finished = kedro_run()

    assert finished.exit_code == 1
    assert finished.stderr.splitlines()[-1].startswith(line)


def test_the_folder_of_an_environment_that_is_created_is_found(study: MiniStudy) -> None:
    """What the error says, done."""
    (study.folder / "conf" / "mine").mkdir()

    assert kedro_run("--env", "mine").exit_code == 0


def test_in_a_notebook_the_error_itself_arrives(study: MiniStudy) -> None:
    with pytest.raises(InvalidParameterError, match="did you mean data_root"):
        study.run({"data_rot": "x"})


def test_threads_are_as_good_as_one_after_the_other(study: MiniStudy) -> None:
    assert study.run(runner=ThreadRunner()) == ALL
    assert study.run() == []


def test_a_class_in_the_place_of_a_runner_is_told_by_kedro(study: MiniStudy) -> None:
    with pytest.raises(KedroSessionError, match="forgotten the `\\(\\)`"):
        study.run(runner=ThreadRunner)


def signal_once(study: MiniStudy, file: str, before: str, name: str) -> None:
    """Let the study's code send this process a signal, the first time that it comes to a place."""
    study.replace(file, before, f"once('{name}'); {before}")
    path = study.folder / file
    path.write_text(
        f"{path.read_text()}\n\ndef once(name):\n"
        "    import signal\n"
        "    sent = Path(__file__).with_suffix('.sent')\n"
        "    if not sent.exists():\n"
        "        sent.touch()\n"
        "        signal.raise_signal(signal.Signals[name])\n"
    )


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_ends_a_run_with_one_line_and_the_same_command_goes_on(
    study: MiniStudy, name: str, status: int
) -> None:
    signal_once(study, "src/mini_study/nodes.py", 'ran("spread")', name)

    stopped = kedro_run()

    assert stopped.exit_code == status
    line = f"Error: run: stopped by {name}; what is finished is kept; run the same command again to go on"
    assert stopped.stderr.splitlines()[-1] == line
    assert stopped.stderr.count("Error:") == 1
    assert "Traceback" not in stopped.output
    assert study.run() == ["spread", "total"]


def test_a_signal_in_a_library_that_makes_an_error_of_every_other_is_still_a_signal(study: MiniStudy) -> None:
    signal_once(study, "src/mini_study/nodes.py", 'ran("spread")', "SIGTERM")
    path = study.folder / "src/mini_study/nodes.py"
    path.write_text(
        path.read_text().replace(
            "        signal.raise_signal", "        check_by_pandera(lambda _: signal.raise_signal"
        )
        + "\n\ndef check_by_pandera(check):\n"
        "    import pandas\n"
        "    from pandera.pandas import Check, Column, DataFrameSchema\n"
        "    DataFrameSchema({'age': Column(int, Check(check))}).validate(pandas.DataFrame({'age': [60]}))\n"
    )
    study.replace("src/mini_study/nodes.py", "signal.Signals[name])", "signal.Signals[name]))")

    stopped = kedro_run()

    assert stopped.exit_code == 143
    assert stopped.stderr.splitlines()[-1].startswith("Error: run: stopped by SIGTERM; ")
    assert study.run() == ["spread", "total"]


def test_hooks_are_told_of_a_signal(study: MiniStudy) -> None:
    signal_once(study, "src/mini_study/nodes.py", 'ran("spread")', "SIGTERM")

    kedro_run()

    told = json.loads((study.folder / EVENTS).read_bytes())
    assert told[-1]["event"] == "on_pipeline_error"
    assert told[-1]["error"].startswith("run: stopped by SIGTERM; ")


def test_a_signal_while_an_output_is_saved_leaves_it_undone(study: MiniStudy) -> None:
    signal_once(study, "src/mini_study/datasets.py", "(self._filepath / f", "SIGTERM")

    assert kedro_run().exit_code == 143
    assert not list(study.data.glob(".*")), "no lease is left"
    assert study.run() == ["spread", "total"]


def test_in_a_notebook_signals_are_the_kernels(study: MiniStudy) -> None:
    # a shell that starts these tests in the background has them ignore it
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    signal_once(study, "src/mini_study/nodes.py", 'ran("spread")', "SIGINT")

    try:
        with pytest.raises(KeyboardInterrupt):
            study.run()
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_output_that_another_process_saves_is_refused_by_its_name(study: MiniStudy) -> None:
    with lease(study.data / "parts", "held here"):
        finished = kedro_run()

    assert finished.exit_code == 1
    assert finished.stderr.splitlines()[-1].startswith(f"Error: parts: being written by process {os.getpid()} on ")
    assert kedro_run().exit_code == 0
