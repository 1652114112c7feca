"""Moments at which studies are disturbed: every part of a study has its share."""

from __future__ import annotations

from collections import Counter

import numpy as np

from benchmarks.reliability.moments import PART_OF, PARTS, NodeRun, draw_moment, node_runs
from faircmr.pipeline_registry import register_pipelines

LOG = """\
2026-01-01 00:00:00,500 INFO kedro.pipeline.node: Running node: split_cohort: split_cohort([scans]) -> [splits]
2026-01-01 00:00:00,700 INFO kedro.runner.sequential_runner: Completed node: split_cohort
2026-01-01 00:00:00,750 INFO kedro.pipeline.node: Running node: train: train([baseline.model]) -> [baseline.fits]
2026-01-01 00:00:01,000 INFO faircmr.segmentation.training.loop: epoch 1
2026-01-01 00:00:03,250 INFO kedro.runner.sequential_runner: Completed node: baseline.train
2026-01-01 00:00:03,900 INFO faircmr: the end
"""


def test_a_log_says_which_nodes_ran_and_for_how_long():
    assert node_runs(LOG) == [
        NodeRun("split_cohort", "split_cohort: split_cohort([scans]) -> [splits]", 0.25),
        NodeRun("train", "train: train([baseline.model]) -> [baseline.fits]", 2.5),
    ]


def test_every_part_is_hit_however_short_it_is_and_no_moment_lies_outside_its_node():
    lengths = {node: 0.001 if part == "data engineering" else 1.0 for node, part in PART_OF.items()}
    runs = {f"{node}: {node}([])": NodeRun(node, f"{node}: {node}([])", lengths[node]) for node in PART_OF}
    rng = np.random.default_rng(0)

    moments = [draw_moment(rng, 30.0, list(runs.values())) for _ in range(1200)]

    anywhere = [moment.seconds for moment in moments if not moment.after]
    assert len(anywhere) == sum(0 <= seconds < 30.0 for seconds in anywhere)
    assert 500 < len(anywhere) < 700
    aimed = [(runs[moment.after], moment.seconds) for moment in moments if moment.after]
    assert all(0 <= seconds <= run.seconds for run, seconds in aimed)
    hits = Counter(PART_OF[run.node] for run, _ in aimed)
    assert set(hits) == set(PARTS)
    assert min(hits.values()) > 60
    assert {run.node for run, _ in aimed} == set(PART_OF)


def test_every_node_of_the_disturbed_study_belongs_to_a_part():
    pipelines = register_pipelines()
    nodes = {node.name.rpartition(".")[2] for name in ("stratified", "evaluation") for node in pipelines[name].nodes}

    assert nodes == set(PART_OF)
