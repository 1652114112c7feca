"""Measuring as a process: ``python -m faircmr.estimation.measure request.json`` prints a line of JSON a kind.

The libraries are loaded once. Each kind then has a process of its own, a copy of one that has computed nothing, so
that memory and caches of one kind are not another's, and a kind that is killed for its memory takes nobody along.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from faircmr.estimation.costs import MeasuringRequest, StepCost
from faircmr.estimation.kinds import StepKind
from faircmr.estimation.measuring import measure
from faircmr.estimation.parameters import EstimateParameters
from faircmr.segmentation.messages import message_of_error


def main(arguments: Sequence[str]) -> int:
    """Measure the kinds of a request.

    Args:
        arguments: Path of the request.

    Returns:
        Exit status 0: what went wrong is said in the lines.
    """
    (path,) = arguments
    request = MeasuringRequest.model_validate_json(Path(path).read_text())
    # classifiers import it when they are made; here it is loaded before the processes divide
    import monai.networks.nets.densenet  # noqa: F401

    for kind in request.kinds:
        sys.stdout.write(f"{_in_own_process(kind, request.parameters)}\n")
        sys.stdout.flush()
    return 0


def _in_own_process(kind: StepKind, parameters: EstimateParameters) -> str:
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure_into, args=(sender, kind, parameters))
    process.start()
    sender.close()
    try:
        return str(receiver.recv_bytes(), "utf-8")
    except EOFError:
        return _unknown(kind)
    finally:
        process.join()


def _measure_into(sender: Connection, kind: StepKind, parameters: EstimateParameters) -> None:
    try:
        message = measure(kind, parameters).model_dump_json()
    except torch.OutOfMemoryError:
        message = _unknown(kind)
    except Exception as error:  # noqa: BLE001 - whatever it is, the process that asked is told
        message = message_of_error(error)
    sender.send_bytes(message.encode())


def _unknown(kind: StepKind) -> str:
    return StepCost(kind=kind.name, threads=kind.job.training.threads).model_dump_json()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
