"""One process at a time writes an output; the dead hold nothing, and of those who follow them one does."""

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from faircmr.core import OutputError
from faircmr.core.host import (
    DEAD_AFTER,
    Holder,
    is_content,
    lease,
    lease_holder,
    lease_path,
    leases,
    remove_durably,
    write_atomically,
)
from faircmr.core.host.files import guards
from faircmr.core.host.leases import HEARTBEAT

HOLDING = """
import sys
from pathlib import Path
from faircmr.core.host.leases import lease
with lease(Path(sys.argv[1]), "a"):
    print("held", flush=True)
    sys.stdin.read()
"""
RACING = """
import sys
from pathlib import Path
from faircmr.core.errors import OutputError
from faircmr.core.host.leases import lease
print("ready", flush=True)
for round in sys.stdin:
    try:
        with lease(Path(sys.argv[1]) / round.strip(), "a"):
            print("won", flush=True)
            sys.stdin.readline()
            print("left", flush=True)
    except OutputError:
        print("lost", flush=True)
        sys.stdin.readline()
        print("left", flush=True)
"""


@contextmanager
def started(script: str, output: Path, project_root: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(output)],
        env=os.environ | {"PYTHONPATH": str(project_root / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "seed-0" / "shared"


def leave_dead(output: Path, seconds_ago: float = 0.0, **other: object) -> Holder:
    """A lease whose process has ended, and which was touched so long ago."""
    with lease(output, "a"):
        holder = lease_holder(output)
    dead = replace(holder, start="1", token="dead", **other)
    lease_path(output).write_text(json.dumps(asdict(dead)))
    then = time.time() - seconds_ago
    os.utime(lease_path(output), (then, then))
    return dead


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_lease_lies_beside_its_output_for_as_long_as_it_is_held(output: Path):
    with lease(output, "a"):
        assert names(output.parent) == [".shared.lease"]
        assert not is_content(lease_path(output), output.parent)
        assert (lease_holder(output).pid, lease_holder(output).host) == (os.getpid(), socket.gethostname())

    assert names(output.parent) == []
    assert lease_holder(output) is None
    assert not guards


def test_a_living_holder_is_named_and_another_output_is_free(output: Path, project_root: Path):
    with started(HOLDING, output, project_root) as holder:
        with pytest.raises(OutputError) as error, lease(output, "baseline.model"):
            raise AssertionError("held twice")
        with lease(output.with_name("group-A"), "another"):
            pass

    since = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"
    assert re.fullmatch(
        rf"baseline\.model: being written by process {holder.pid} on {re.escape(socket.gethostname())} since {since}; "
        r"one process at a time; wait until it is done or end it, then run again; .*",
        str(error.value),
    )


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_holder_is_followed_at_once(output: Path, project_root: Path):
    with started(HOLDING, output, project_root) as holder:
        os.kill(holder.pid, signal.SIGKILL)
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
        assert lease_holder(output).pid == holder.pid

        with lease(output, "a"):
            assert lease_holder(output).pid == os.getpid()
            assert names(output.parent) == [".shared.lease"]


def test_a_process_with_the_number_of_the_dead_one_does_not_hold_its_lease(output: Path):
    dead = leave_dead(output)
    assert dead.pid == os.getpid(), "it runs, and has another start"

    with lease(output, "a"):
        assert lease_holder(output).start != dead.start


@pytest.mark.parametrize(("seconds", "held"), [(DEAD_AFTER - 30, True), (DEAD_AFTER + 30, False)])
def test_a_holder_elsewhere_is_dead_once_it_has_not_touched_its_lease_for_long(
    output: Path, seconds: float, held: bool
):
    leave_dead(output, seconds, place="00000000", host="elsewhere")

    if held:
        with pytest.raises(OutputError, match="on elsewhere since"), lease(output, "a"):
            raise AssertionError
        assert lease_holder(output).host == "elsewhere"
    else:
        with lease(output, "a"):
            assert lease_holder(output).host == socket.gethostname()


def test_time_is_told_by_the_file_system_and_not_by_this_machine(output: Path, monkeypatch: pytest.MonkeyPatch):
    leave_dead(output, place="00000000", host="elsewhere")
    monkeypatch.setattr(time, "time", lambda: 1e12)

    with pytest.raises(OutputError, match="elsewhere"), lease(output, "a"):
        raise AssertionError


@pytest.mark.parametrize(("seconds", "held"), [(0.0, True), (2 * HEARTBEAT + 5, False)])
def test_a_lease_that_says_nothing_yet_is_held_for_a_moment(output: Path, seconds: float, held: bool):
    leave_dead(output)
    lease_path(output).write_text("")
    then = time.time() - seconds
    os.utime(lease_path(output), (then, then))

    if held:
        with pytest.raises(OutputError, match="by another process"), lease(output, "a"):
            raise AssertionError
    else:
        with lease(output, "a"):
            assert lease_holder(output).pid == os.getpid()


def test_who_died_while_following_a_dead_one_is_followed_as_well(output: Path):
    dead = leave_dead(output)
    path = lease_path(output)
    path.with_name(f"{path.name}.{dead.token}").write_text(json.dumps(asdict(replace(dead, token="late"))))
    path.with_name(f"{path.name}-abcd").write_text("")

    with lease(output, "a"):
        assert lease_holder(output).pid == os.getpid()
        assert names(output.parent) == [".shared.lease"], "and nothing is left of any of them"


def test_who_comes_late_to_a_dead_lease_finds_it_taken(output: Path, monkeypatch: pytest.MonkeyPatch):
    """Between seeing the dead one and following it, another process has."""
    dead, other = leave_dead(output), replace(leave_dead(output), token="other")
    is_dead = leases._is_dead

    def slow(path: Path) -> bool:
        seen = is_dead(path)
        monkeypatch.setattr(leases, "_is_dead", is_dead)
        lease_path(output).write_text(json.dumps(asdict(other)))
        return seen

    assert dead.token == "dead"
    monkeypatch.setattr(leases, "_is_dead", slow)
    with pytest.raises(OutputError), lease(output, "a"):
        raise AssertionError
    assert lease_holder(output) == other


def test_of_eight_who_follow_a_dead_one_exactly_one_does(tmp_path: Path, project_root: Path):
    with ExitStack() as stack:
        racers = [stack.enter_context(started(RACING, tmp_path, project_root)) for _ in range(8)]
        for number in range(30):
            leave_dead(tmp_path / f"round-{number}")
            for racer in racers:
                racer.stdin.write(f"round-{number}\n")
            for racer in racers:
                racer.stdin.flush()
            said = [racer.stdout.readline().strip() for racer in racers]
            assert sorted(said) == ["lost"] * 7 + ["won"]
            for racer in racers:
                racer.stdin.write("\n")
                racer.stdin.flush()
            assert {racer.stdout.readline() for racer in racers} == {"left\n"}
    assert names(tmp_path) == [], "nothing is left of them"


def test_it_is_touched_while_it_is_held(output: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(leases, "HEARTBEAT", 0.01)
    with lease(output, "a"):
        os.utime(lease_path(output), (0, 0))
        end = time.monotonic() + 10
        while lease_path(output).stat().st_mtime == 0 and time.monotonic() < end:
            time.sleep(0.01)

        assert lease_path(output).stat().st_mtime > 0


@pytest.mark.parametrize("lost", ["gone", "another's"])
def test_what_has_lost_its_lease_is_not_changed(output: Path, lost: str):
    write_atomically(output / "table.csv", b"old")
    with lease(output, "scores"):
        if lost == "gone":
            lease_path(output).unlink()
        else:
            leases_of_another = replace(lease_holder(output), token="other", pid=7, host="elsewhere")
            lease_path(output).write_text(json.dumps(asdict(leases_of_another)))

        for change in (
            lambda: write_atomically(output / "table.csv", b"new"),
            lambda: remove_durably(output / "table.csv"),
        ):
            with pytest.raises(OutputError, match=r"scores: being written by (another process|process 7 on elsewhere)"):
                change()
        write_atomically(output.with_name("other.csv"), b"new")

    assert (output / "table.csv").read_bytes() == b"old"
    assert names(output) == ["table.csv"]
    assert lease_path(output).exists() == (lost == "another's"), "what is another's is left to it"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "folder").write_text("a file")

    with pytest.raises(OutputError, match="a folder that can be written"), lease(tmp_path / "folder" / "x", "a"):
        raise AssertionError


def test_who_has_patience_waits_for_the_one_before(output: Path, project_root: Path):
    with started(HOLDING, output, project_root) as holder:
        threading.Timer(0.5, holder.stdin.close).start()
        with lease(output, "a", patience=60.0):
            assert lease_holder(output).pid == os.getpid()
            assert holder.stdin.closed, "taken before the other had left"


def test_patience_has_an_end(output: Path, project_root: Path):
    with (
        started(HOLDING, output, project_root) as holder,
        pytest.raises(OutputError, match=f"by process {holder.pid} on"),
        lease(output, "a", patience=0.3),
    ):
        raise AssertionError


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.ESTALE, errno.EIO])
def test_a_lease_that_cannot_be_removed_is_an_expected_error(
    output: Path, number: int, monkeypatch: pytest.MonkeyPatch
):
    refuse_to_remove(number, monkeypatch)

    said = rf"^folder .*: {os.strerror(number)}; a folder that can be written; "
    with pytest.raises(OutputError, match=said), lease(output, "a"):
        pass

    assert not guards


def test_nor_does_it_hide_the_error_of_what_was_written(output: Path, monkeypatch: pytest.MonkeyPatch):
    refuse_to_remove(errno.EACCES, monkeypatch)

    with pytest.raises(ZeroDivisionError), lease(output, "a"):
        raise ZeroDivisionError


def test_a_dead_lease_that_cannot_be_taken_over_is_an_expected_error(output: Path, monkeypatch: pytest.MonkeyPatch):
    leave_dead(output)
    refuse_to_remove(errno.EACCES, monkeypatch)

    with pytest.raises(OutputError, match="Permission denied"), lease(output, "a"):
        pass


def refuse_to_remove(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *, missing_ok: bool = False) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
