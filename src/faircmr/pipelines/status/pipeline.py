"""Planned fits, and what lies in their folders -> a table in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from kedro.pipeline import Pipeline, node, pipeline

from faircmr.pipelines.status import nodes


def create_pipeline(strategies: Sequence[str]) -> Pipeline:
    """One node without outputs, which Kedro runs every time.

    It brings no other pipeline with it: subjects, splits and plans are read as they lie there, and the run that it
    watches is not disturbed.

    Args:
        strategies: In the order of the table.
    """
    read = ("watched_fits", "subjects", "splits", "plans", "localiser_plans")
    inputs = {name: name for name in read} | {name: f"params:{name}" for name in ("training", "fits")}
    own = {strategy: f"params:{strategy}.strategy" for strategy in strategies}
    return pipeline([node(nodes.show_status, {**inputs, **own}, None, name="show_status", tags=["status", "cpu"])])
