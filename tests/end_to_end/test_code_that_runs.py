"""The digest of a node's code knows every definition that the node really runs."""

from __future__ import annotations

import inspect
import sys
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import pytest
from kedro.framework.hooks import hook_impl

from faircmr.incremental import CodeDigests, dataset_code
from tests.end_to_end.embedded import EmbeddedStudy
from tests.studies import TWO, Project

FRAMEWORK = (
    "faircmr.hooks",
    "faircmr.incremental.",
    "faircmr.running.",
    "faircmr.core.host.leases",
    "faircmr.core.host.leases",
)
"""Modules that run around every node, and make none of its results."""
OF_RECEIPTS = "faircmr.core.host.files.remove_durably"


@dataclass
class RunDefinitions:
    """A hook that notes which definitions of the package run in each node, its data sets included."""

    ran: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    reached: dict[str, set[str]] = field(default_factory=dict)
    node: str = ""

    @hook_impl
    def before_dataset_loaded(self, node: Any) -> None:
        self._watch(node.name)

    @hook_impl
    def before_node_run(self, node: Any, catalog: Any) -> None:
        self._watch(None)
        self.reached[node.name] = set(CodeDigests().reached(node.func, dataset_code(node, catalog)))
        self._watch(node.name)

    @hook_impl
    def before_dataset_saved(self, node: Any) -> None:
        self._watch(node.name)

    @hook_impl
    def after_dataset_saved(self) -> None:
        self._watch(None)

    def _watch(self, node: str | None) -> None:
        self.node = node or ""
        profile = self._note if node else None
        sys.setprofile(profile)
        threading.setprofile(profile)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        module = frame.f_globals.get("__name__", "")
        # the body of a class runs when its module is imported, whoever asks for it
        is_function = frame.f_code.co_flags & inspect.CO_OPTIMIZED
        if event == "call" and is_function and module.startswith("faircmr.") and not module.startswith(FRAMEWORK):
            name = frame.f_code.co_qualname.partition(".")[0]
            # what dataclasses and lambdas are made of belongs to a definition that has another name
            if not name.startswith(("<", "__")):
                self.ran[self.node].add(f"{module}.{name}")


@pytest.mark.slow
def test_every_definition_that_runs_is_in_the_digest_of_its_node(tiny_project: Project) -> None:
    recorder = RunDefinitions()

    EmbeddedStudy(tiny_project).run(*TWO, "cohort_report", hooks=(recorder,))

    missed = {node: sorted(ran - recorder.reached[node] - {OF_RECEIPTS}) for node, ran in recorder.ran.items()}
    assert len(recorder.ran) > 40
    assert {node: names for node, names in missed.items() if names} == {}
