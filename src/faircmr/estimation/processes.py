"""Run measurements in separate processes and sample memory."""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM
from subprocess import PIPE, STDOUT, Popen
from tempfile import TemporaryDirectory
from threading import Event, Thread

from pydantic import ValidationError

from faircmr.core import FaircmrError
from faircmr.core.host import PRIVATE, child_environment, write_atomically
from faircmr.estimation.costs import EstimateParameters, MeasuringRequest, StepCost, StepKind
from faircmr.segmentation.training import CrashError, read_message

PROCESS_STATUS = Path("/proc/self/status")
INTERVAL = 0.005
"""Seconds between two samples. Memory that is freed stays with a training process, so that little is missed."""


@dataclass
class Peak:
    """The largest of all samples, in bytes; NaN if the system does not report it."""

    value: float = math.nan


def private_bytes() -> float:
    """Anonymous resident memory of this process (RssAnon): neither files that it maps nor what was swapped out.

    Returns:
        Bytes; NaN on systems other than Linux.
    """
    try:
        lines = PROCESS_STATUS.read_text().splitlines()
    except OSError:
        return math.nan
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith("RssAnon:")), math.nan)


@contextmanager
def sampled_peak() -> Iterator[Peak]:
    """Sample :func:`private_bytes` until the block is left."""
    peak, ended = Peak(private_bytes()), Event()

    def sample() -> None:
        while not ended.wait(INTERVAL):
            peak.value = max(peak.value, private_bytes())

    thread = Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()
        peak.value = max(peak.value, private_bytes())


logger = logging.getLogger(__name__)


def measure_kinds(kinds: Sequence[StepKind], parameters: EstimateParameters) -> list[StepCost]:
    """Measure what a step of each kind costs on this machine.

    Args:
        kinds: Each once.
        parameters: How many steps.

    Returns:
        One cost a kind, in their order.

    Raises:
        FaircmrError: An expected error in a step, or the measuring ended before it was through.
    """
    with TemporaryDirectory() as folder:
        request = Path(folder) / "request.json"
        content = MeasuringRequest(kinds=tuple(kinds), parameters=parameters)
        write_atomically(request, content.model_dump_json().encode(), PRIVATE)
        with _started_process(request) as process:
            costs = [cost for line in process.stdout or () if (cost := _parsed_cost(line))]
    if len(costs) < len(kinds):
        raise _ended_early(f"after {len(costs)} of {len(kinds)} kinds")
    return costs


@contextmanager
def _started_process(request: Path) -> Iterator[Popen[str]]:
    command = [sys.executable, "-m", "faircmr.estimation.measure", str(request)]
    environment = child_environment()
    # a group of its own, so that the process in which a kind is being measured is ended along with it
    with Popen(command, stdout=PIPE, stderr=STDOUT, text=True, env=environment, process_group=0) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, SIGTERM)


def _parsed_cost(line: str) -> StepCost | None:
    """Parse a line of output as a measured cost; ``None`` for other output of the process."""
    message = read_message(line)
    if isinstance(message, FaircmrError):
        raise message
    if isinstance(message, CrashError):
        raise _ended_early(f"with {message}")
    try:
        cost = StepCost.model_validate_json(line)
    except ValidationError:
        logger.debug("%s", line.rstrip())
        return None
    _log_cost(cost)
    return cost


def _log_cost(cost: StepCost) -> None:
    if cost.seconds is None:
        logger.warning("%s: not measured, for its memory does not suffice here", cost.kind)
    else:
        logger.info("%s: %.3f s a step, median of %d on %s", cost.kind, cost.seconds, cost.steps, cost.device)


def _ended_early(how: str) -> FaircmrError:
    remedy = "run it again with --from-nodes measure_steps; memory may be short"
    return FaircmrError("measuring of steps", f"ended {how}", "a cost of every kind", remedy)
