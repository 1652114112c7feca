"""Run the nodes of a pipeline as Dask tasks, each submitted as soon as its inputs are made."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import CancelledError
from time import monotonic
from typing import Any
from uuid import uuid4

from distributed import Client, Future, KilledWorker, wait
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from faircmr.core import FaircmrError
from faircmr.core.host import REMEDY, SECONDS_TO_LEAVE, ShouldStop, defer_stop
from faircmr.runners.fits import FitsOnCluster
from faircmr.runners.node_run import Catalog, MadeFits, NeededFits, NodeEnd, State, log_frames, request_stop, run_node

SECONDS_BETWEEN_CHECKS = 0.2
SECONDS_TO_CLOSE = 2.0
"""Part of ``SECONDS_TO_LEAVE`` that is reserved for ending workers."""

logger = logging.getLogger(__name__)


class NodeGraph:
    """Runs a pipeline on a cluster and logs how each node ended.

    A node that needs fits which are not made ends, and is run again when they are: no worker waits for others.

    Args:
        client: Of the cluster.
        pipeline: The nodes.
        catalog: Their inputs and outputs, and the keys under which outputs are expected.
        retries: How often a fit may lose its worker.
    """

    def __init__(self, client: Client, pipeline: Pipeline, catalog: Catalog, retries: int) -> None:
        self._client, self._pipeline, self._catalog = client, pipeline, catalog
        self._run = uuid4().hex[:12]
        self._fits = FitsOnCluster(client, self._run, retries)
        self._under_way: dict[Future[Any], Node] = {}
        self._waiting_for_fits: dict[Node, NeededFits] = {}
        self._given_fits: dict[Node, MadeFits] = {}
        self._ends: dict[str, NodeEnd] = {}

    def run(self) -> None:
        """Run every node whose inputs are made.

        Raises:
            FaircmrError: Some nodes have failed; each has a line in the log.
            StoppedError: This process was asked to stop.
        """
        with defer_stop() as should_stop:
            self._submit_ready()
            self._await(should_stop)
            if should_stop():
                return
        self._raise_for_failures()

    def _submit_ready(self) -> None:
        """Submit fits, and nodes whose inputs or fits are made; leave out nodes after a failure."""
        self._fits.submit_ready()
        for node in [node for node, needed in self._waiting_for_fits.items() if self._fits.are_made(needed)]:
            made = {**self._given_fits[node].outcomes, **self._fits.outcomes(self._waiting_for_fits.pop(node))}
            self._submit(node, MadeFits(made))
        begun = {node.name for node in (*self._under_way.values(), *self._waiting_for_fits)}
        needed = self._pipeline.node_dependencies
        # nodes stand after those that they need: what is left out takes along what follows
        for node in self._pipeline.nodes:
            if node.name in begun or node.name in self._ends:
                continue
            states = {self._ends[one.name].state if one.name in self._ends else None for one in needed[node]}
            if states & {State.FAILED, State.LEFT_OUT}:
                self._ends[node.name] = NodeEnd(State.LEFT_OUT)
            elif None not in states:
                self._submit(node, MadeFits({}))

    def _submit(self, node: Node, made: MadeFits) -> None:
        future = self._client.submit(
            run_node,
            node,
            self._catalog,
            self._run,
            made,
            key=f"node_{self._run}_{node.name}_{len(made.outcomes)}",
            priority=1,  # before fits that wait: nodes are short, and much may need what they make
        )
        self._under_way[future], self._given_fits[node] = node, made

    def _await(self, should_stop: ShouldStop) -> None:
        """Wait for every node; after a stop request, at most until workers must be ended."""
        until = float("inf")
        while (waiting := [*self._under_way, *self._fits.under_way]) and monotonic() < until:
            if should_stop() and until == float("inf"):
                logger.info("Stopping: fits save what they have")
                until = monotonic() + SECONDS_TO_LEAVE - SECONDS_TO_CLOSE
                self._client.run(request_stop, self._run, on_error="ignore")
            ended = _wait_briefly(waiting)
            self._fits.record_outcomes(ended)
            for future in ended & self._under_way.keys():
                self._record_end(self._under_way.pop(future), _end_of(future))
            if not should_stop():
                self._submit_ready()

    def _record_end(self, node: Node, end: NodeEnd | NeededFits) -> None:
        """Record how a node ended, or which fits it needs."""
        if isinstance(end, NeededFits):
            self._waiting_for_fits[node] = end
            self._fits.queue(end)
        else:
            self._ends[node.name] = end
            self._log_end(node.name)

    def _log_end(self, name: str) -> None:
        end = self._ends[name]
        if end.state is State.DONE:
            logger.info(
                "Completed node: %s (%d of %d)", name, len(self._names_in(State.DONE)), len(self._pipeline.nodes)
            )
        elif end.state is State.FAILED:
            logger.error("%s failed: %s", name, end.why)
            log_frames(end)

    def _raise_for_failures(self) -> None:
        failed, left_out = self._names_in(State.FAILED), self._names_in(State.LEFT_OUT)
        if failed:
            raise FaircmrError(
                f"{len(failed)} of {len(self._ends)} nodes failed",
                f"{', '.join(failed)}; {len(left_out)} that need what they make were left out",
                "nodes that all end well",
                f"mend what is said above, and {REMEDY}: the rest is done",
            )

    def _names_in(self, state: State) -> list[str]:
        return sorted(name for name, end in self._ends.items() if end.state is state)


def _wait_briefly(waiting: Iterable[Future[Any]]) -> set[Future[Any]]:
    """Wait ``SECONDS_BETWEEN_CHECKS`` and return the futures that have ended."""
    try:
        return set(wait(list(waiting), SECONDS_BETWEEN_CHECKS, "FIRST_COMPLETED").done)
    except TimeoutError:
        return set()
    except CancelledError:
        lost = "lost: its scheduler no longer answers"
        raise FaircmrError("cluster", lost, "a scheduler that lives as long as the run", REMEDY) from None


def _end_of(future: Future[Any]) -> NodeEnd | NeededFits:
    try:
        end: NodeEnd | NeededFits = future.result()
    except KilledWorker as error:
        return NodeEnd(State.FAILED, f"its worker was lost {error.allowed_failures + 1} times; memory may be short")
    return end
