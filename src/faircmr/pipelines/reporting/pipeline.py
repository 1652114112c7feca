"""Reporting: tables in, pages and figures out; nothing is scored or trained again."""

from __future__ import annotations

from collections.abc import Sequence

from kedro.pipeline import Pipeline, node, pipeline

from faircmr.pipelines.reporting import nodes

TAGS = ["reporting", "cpu"]
AUDIT, REPORT = "params:audit", "params:report"
STUDY = ["study_key", "fingerprint", "params:training", "params:inference", "params:fits", "params:split", AUDIT]
TABLES = {
    "demographics": "demographics",
    "omissions": "report_omissions",
    "choices": "report_choices",
    "table1": "report_table1",
    "table1_seed_sd": "table1_seed_sd",
    "table2": "table2",
    "groups": "audit_groups",
    "disparity": "audit_disparity",
    "changes": "audit_changes",
    "adjusted": "audit_adjusted",
    "matched": "audit_matched",
    "asterisks": "published_asterisks",
    "agreement": "clinical_agreement",
    "reclassified": "ef_reclassification",
    "surface": "report_surface",
    "classifiers": "report_classifiers",
    "confusion": "report_confusion",
    "cases": "report_cases",
    "provenance": "report_provenance",
    "other_table2": "compared_table2",
    "other_disparity": "compared_disparity",
}
"""Of the catalog, by what the report calls them."""
FIGURES = ("strategies", "cohort", "groups", "disparity", "changes", "pareto")
PAPER_TABLES = ["paper_table1_tex", "paper_table2_tex", "paper_table1", "paper_table2"]


def create_pipeline(strategies: Sequence[str]) -> Pipeline:
    """Demographics and cohort -> figures; tables of evaluation -> the report, and what goes into a paper.

    Args:
        strategies: Those that a report may be about, in the order of Table 2.
    """
    figures = pipeline(
        [
            node(nodes.plot_demographics, "demographics", "demographics_figure", name="plot_demographics"),
            node(nodes.show_cohort, ["cohort", "subjects"], "cohort_gallery", name="show_cohort"),
        ],
        tags=TAGS,
    )
    return figures + _gathering(strategies) + _reporting()


def _gathering(strategies: Sequence[str]) -> Pipeline:
    """What the strategies have saved, each kind in one table."""

    def each(kind: str) -> dict[str, str]:
        return {name: f"{name}.{kind}" for name in strategies}

    subjects = {"subjects": "subjects"}
    left_out = {"omissions": "omissions", "split_omissions": "split_omissions", **each("omissions")}
    choices = {name: f"params:{name}.strategy" for name in strategies}
    found, drawn = {**subjects, "report": REPORT, **each("scores")}, {"cohort": "cohort", "cases": "report_cases"}
    return pipeline(
        [
            node(nodes.list_strategies, choices, "report_choices", name="list_strategies"),
            node(nodes.describe_study, STUDY, "report_provenance", name="describe_study"),
            node(nodes.gather_omissions, left_out, "report_omissions", name="gather_omissions"),
            node(nodes.gather_tables, each("table1"), "report_table1", name="gather_table1"),
            node(nodes.gather_tables, each("classifier_table"), "report_classifiers", name="gather_classifiers"),
            node(nodes.count_confusions, each("group_predictions"), "report_confusion", name="count_confusions"),
            node(nodes.summarise_surfaces, {**subjects, **each("scores")}, "report_surface", name="summarise_surfaces"),
            node(nodes.find_cases, found, "report_cases", name="find_cases"),
            node(nodes.draw_cases, {**drawn, **each("predictions")}, "report_pictures", name="draw_cases"),
        ],
        tags=TAGS,
    )


def _reporting() -> Pipeline:
    """Tables alone: neither a score nor a voxel is read here."""
    asked = {"audit": AUDIT, **TABLES}
    drawn = [f"paper_{name}_{kind}" for name in FIGURES for kind in ("svg", "pdf")]
    shown = {"report": REPORT, "pictures": "report_pictures", **asked}
    return pipeline(
        [
            node(nodes.report_study, shown, "report", name="report_study"),
            node(nodes.write_paper_tables, asked, PAPER_TABLES, name="write_paper_tables"),
            node(nodes.draw_paper_figures, asked, drawn, name="draw_paper_figures"),
            node(nodes.write_cards, {"report": REPORT, **asked}, ["model_card", "datasheet"], name="write_cards"),
        ],
        tags=TAGS,
    )
