"""Reporting never scores: scores are read to name cases and to average surfaces, and the pages are made of tables."""

from __future__ import annotations

from faircmr.pipeline_registry import STRATEGIES
from faircmr.pipelines.reporting import FIGURES, TABLES, create_pipeline
from faircmr.reporting.report import NAMES

PAGES = ("report_study", "write_paper_tables", "draw_paper_figures", "write_cards")


def nodes() -> dict:
    return {node.name: node for node in create_pipeline(STRATEGIES).nodes}


def test_nothing_that_reporting_makes_is_a_score_a_prediction_or_a_model():
    made = {name for node in nodes().values() for name in node.outputs}

    assert {name.rpartition(".")[2] for name in made} & {"scores", "predictions", "model", "work", "tensors"} == set()


def test_pages_read_neither_a_score_nor_a_voxel():
    read = {name for page in PAGES for name in nodes()[page].inputs}

    assert {name for name in read if "." in name or name in {"cohort", "tensors"}} == set()


def test_scores_are_read_to_name_cases_and_to_average_surfaces_alone():
    readers = {name for name, node in nodes().items() if any(one.endswith(".scores") for one in node.inputs)}

    assert readers == {"find_cases", "summarise_surfaces"}


def test_the_report_is_given_every_table_that_it_knows():
    assert set(TABLES) == set(NAMES)


def test_every_figure_of_a_paper_is_drawn_twice():
    made = nodes()["draw_paper_figures"].outputs

    assert made == [f"paper_{name}_{kind}" for name in FIGURES for kind in ("svg", "pdf")]
