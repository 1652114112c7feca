"""The estimate lies beside the study: it trains nothing, makes no tensors, and its lineage begins with the cohort."""

from faircmr.pipeline_registry import STRATEGIES, register_pipelines

PIPELINES = register_pipelines()
ESTIMATE = PIPELINES["estimate"]
NAMES = {node.name for node in ESTIMATE.nodes}


def test_lists_every_strategy_and_trains_none():
    assert {f"{strategy}.list_fits" for strategy in STRATEGIES} < NAMES
    assert not any(name.endswith((".train", ".train_localiser", ".locate_hearts")) for name in NAMES)


def test_needs_subjects_splits_and_plans_and_no_tensors():
    own = {"measure_steps", "estimate_fits", *(f"{strategy}.list_fits" for strategy in STRATEGIES)}

    assert (
        own | {"index_cohort", "divide_cohort", "split_cohort", "fingerprint_dataset", "plan_study", "plan_localiser"}
        == NAMES
    )


def test_leads_from_the_cohort_to_one_table():
    assert ESTIMATE.outputs() == {"fit_estimates", "quarantine", "omissions", "split_omissions"}
    inputs = {name for name in ESTIMATE.inputs() if not name.startswith("params:")}
    assert inputs == {"cohort", "given_splits", "finished_fits", "finished_localisers"}


def test_is_in_no_other_pipeline():
    for name, pipeline in PIPELINES.items():
        made = {node.name for node in pipeline.nodes}
        assert name == "estimate" or not {"measure_steps", "estimate_fits"} & made
