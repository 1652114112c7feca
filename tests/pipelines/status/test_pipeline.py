"""Status lies beside the study: one node that makes nothing, so that Kedro runs it every time."""

from faircmr.pipeline_registry import STRATEGIES, register_pipelines

PIPELINES = register_pipelines()
STATUS = PIPELINES["status"]


def test_is_one_node_without_outputs():
    assert [(node.name, node.outputs) for node in STATUS.nodes] == [("show_status", [])]


def test_knows_every_strategy():
    assert {f"params:{strategy}.strategy" for strategy in STRATEGIES} < STATUS.inputs()


def test_reads_what_lies_there_and_runs_no_other_pipeline():
    read = {name for name in STATUS.inputs() if not name.startswith("params:")}

    assert read == {"watched_fits", "subjects", "splits", "plans", "localiser_plans"}
    assert not any(
        "show_status" in {node.name for node in one.nodes} for name, one in PIPELINES.items() if name != "status"
    )
