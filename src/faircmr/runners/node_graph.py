"""The nodes of a pipeline as tasks of a Dask cluster: handed over at once, run as soon as they can be."""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError
from time import monotonic
from typing import Any
from uuid import uuid4

from distributed import Client, Future, KilledWorker, wait
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.runner.task import Task

from faircmr.core.errors import FaircmrError
from faircmr.core.stopping import REMEDY, SECONDS_TO_LEAVE, ShouldStop, deferring
from faircmr.pipelines.training.fitting import fits_mapped_by
from faircmr.runners.fits import FitsOnCluster
from faircmr.runners.node_end import NodeEnd, State, end_of, log_frames
from faircmr.runners.stopped_runs import is_stopped, stop

SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_CLOSE = 2.0
"""Of those to leave, what is kept for ending workers."""
Catalog = CatalogProtocol[Any, Any]

logger = logging.getLogger(__name__)


class NodeGraph:
    """Runs a pipeline on a cluster and says what came of each node.

    Args:
        client: Of the cluster.
        pipeline: The nodes.
        catalog: Where their inputs and outputs lie, and under which keys outputs are expected.
        retries: How often a fit may lose its worker.
    """

    def __init__(self, client: Client, pipeline: Pipeline, catalog: Catalog, retries: int) -> None:
        self._client, self._pipeline, self._catalog = client, pipeline, catalog
        self._fits = FitsOnCluster(uuid4().hex[:12], retries)
        self._ends: dict[str, NodeEnd] = {}

    def run(self) -> None:
        """Run every node whose inputs are made.

        Raises:
            FaircmrError: Some nodes have failed; each has a line in the log.
            StoppedError: This process was asked to stop.
        """
        with deferring() as should_stop:
            nodes = self._submitted()
            self._await(nodes, should_stop)
            if should_stop():
                return
        self._raise_for_failures()

    def _submitted(self) -> dict[Future[Any], Node]:
        futures: dict[Node, Future[Any]] = {}
        needed = self._pipeline.node_dependencies
        for node in self._pipeline.nodes:
            before = [futures[one] for one in needed[node]]
            key = f"node_{self._fits.run}_{node.name}"
            futures[node] = self._client.submit(run_node, node, self._catalog, self._fits, *before, key=key)
        return {future: node for node, future in futures.items()}

    def _await(self, nodes: dict[Future[Any], Node], should_stop: ShouldStop) -> None:
        """Wait for every node; once asked to stop, no longer than there is time."""
        waiting, until = set(nodes), float("inf")
        while waiting and monotonic() < until:
            if should_stop() and until == float("inf"):
                logger.info("Stopping: fits save what they have")
                until = monotonic() + SECONDS_TO_LEAVE - SECONDS_TO_CLOSE
                self._client.run(stop, self._fits.run, on_error="ignore")
            for future in (done := _done_soon(waiting)):
                self._ends[nodes[future].name] = _end_of(future)
                if not should_stop():
                    self._tell(nodes[future].name)
            waiting -= done

    def _tell(self, name: str) -> None:
        end = self._ends[name]
        if end.state is State.DONE:
            logger.info("Completed node: %s (%d of %d)", name, len(self._in(State.DONE)), len(self._pipeline.nodes))
        elif end.state is State.FAILED:
            logger.error("%s failed: %s", name, end.why)
            log_frames(end)

    def _raise_for_failures(self) -> None:
        failed, left_out = self._in(State.FAILED), self._in(State.LEFT_OUT)
        if failed:
            raise FaircmrError(
                f"{len(failed)} of {len(self._ends)} nodes failed",
                f"{', '.join(failed)}; {len(left_out)} that need what they make were left out",
                "nodes that all end well",
                f"mend what is said above, and {REMEDY}: the rest is done",
            )

    def _in(self, state: State) -> list[str]:
        return sorted(name for name, end in self._ends.items() if end.state is state)


def run_node(node: Node, catalog: Catalog, fits: FitsOnCluster, *before: NodeEnd) -> NodeEnd:
    """Run one node on a worker.

    Args:
        node: The node.
        catalog: Where it finds its inputs and leaves its outputs.
        fits: How it makes its fits.
        *before: How the nodes ended that make what it needs.

    Returns:
        How it ended; of an error, what may be shown.
    """
    if any(end.state is not State.DONE for end in before):
        return NodeEnd(State.LEFT_OUT)
    if is_stopped(fits.run):
        return NodeEnd(State.LEFT_OUT)
    try:
        with fits_mapped_by(fits):
            Task(node, catalog, is_async=False, hook_manager=_create_hook_manager()).execute()
    except Exception as error:  # noqa: BLE001 - whatever it is, other nodes go on
        return end_of(error)
    return NodeEnd(State.DONE)


def _done_soon(waiting: set[Future[Any]]) -> set[Future[Any]]:
    """Those that have ended, after a moment."""
    try:
        return set(wait(list(waiting), SECONDS_BETWEEN_LOOKS, "FIRST_COMPLETED").done)
    except TimeoutError:
        return set()
    except CancelledError:
        lost = "lost: its scheduler no longer answers"
        raise FaircmrError("cluster", lost, "a scheduler that lives as long as the run", REMEDY) from None


def _end_of(future: Future[Any]) -> NodeEnd:
    try:
        end: NodeEnd = future.result()
    except KilledWorker as error:
        return NodeEnd(State.FAILED, f"its worker was lost {error.allowed_failures + 1} times; memory may be short")
    return end
