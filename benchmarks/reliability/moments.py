"""When a study is disturbed: moments drawn from the seed, through all of its parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

PARTS = {
    "data engineering": ("index_cohort", "divide_cohort", "split_cohort", "summarise_demographics")
    + ("fingerprint_dataset", "plan_study", "preprocess_cohort"),
    "choosing subjects and heart regions": ("identify_study", "plan_localiser", "train_localiser", "locate_hearts")
    + ("score_localiser", "select_training_cohort", "select_prediction_cohort"),
    "training": ("train",),
    "prediction": ("choose_postprocessing", "predict", "classify_groups"),
    "scoring": ("score", "score_classifier", "tabulate", "list_omissions"),
    "evaluation": ("audit_strategies", "compare_clinical_errors", "compare_strategies", "repeat_published_tests"),
}
"""Nodes of the study, by part."""
PART_OF = {node: part for part, nodes in PARTS.items() for node in nodes}
STARTING = "starting, and making the scans"
BEGUN = re.compile(r"^(\S+ \S+) .*Running node: ((\w+).*)$", re.MULTILINE)
ENDED = re.compile(r"^(\S+ \S+) .*Completed node: ", re.MULTILINE)
TIME = "%Y-%m-%d %H:%M:%S,%f"


class NodeRun(NamedTuple):
    """A node as the log of an undisturbed study has it.

    Attributes:
        node: Its name, without that of the strategy.
        said: What the log says when it begins, which it says of no other.
        seconds: Until the next began, or the last was complete.
    """

    node: str
    said: str
    seconds: float


@dataclass(frozen=True)
class Moment:
    """When something happens.

    Attributes:
        after: What the log has to say before the seconds count; empty for the start of the process.
        seconds: That the process computes until then.
    """

    after: str
    seconds: float


def node_runs(log: str) -> list[NodeRun]:
    """Nodes of a whole run, in order, from its log."""
    begun = [(_time(match[1]), match[3], match[2]) for match in BEGUN.finditer(log)]
    ends = [time for time, _, _ in begun[1:]] + [_time(ENDED.findall(log)[-1])]
    return [NodeRun(node, said, end - start) for (start, node, said), end in zip(begun, ends, strict=True)]


def draw_moment(rng: np.random.Generator, seconds: float, nodes: Sequence[NodeRun]) -> Moment:
    """A moment in a study, every second alike, or in a part of it that is drawn first, every part alike.

    One of the two, by the toss of a coin: the first alone would hardly hit parts that take little time, the second
    alone would leave out what happens before nodes run.

    Args:
        rng: Where chance comes from.
        seconds: That a whole study computes.
        nodes: Of an undisturbed study.
    """
    if rng.random() < 0.5:
        return Moment("", rng.uniform(0, seconds))
    part = rng.choice(list(PARTS))
    of_part = [run for run in nodes if PART_OF[run.node] == part]
    until = np.cumsum([run.seconds for run in of_part])
    run = of_part[int(np.searchsorted(until, rng.uniform(0, until[-1])))]
    return Moment(run.said, rng.uniform(0, run.seconds))


def _time(text: str) -> float:
    return datetime.strptime(text, TIME).replace(tzinfo=UTC).timestamp()
