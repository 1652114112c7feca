"""The cohort's report: what data engineering has listed in, tables and one page out. Nothing is trained."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node, pipeline

from faircmr.pipelines.cohort_report import nodes

OMISSIONS = ("omissions", "split_omissions")
DIVISION = ("division", "division_problem")
NEEDED = ("scans", "subjects", "quarantine", *DIVISION, *OMISSIONS)
"""What it needs of data engineering; not the splits, which a cohort that is too small does not have."""
AUDIT, LIMITS = "params:audit", "params:cohort_report"
COUNTED = ("counts", "missing", "quarantined", "geometry")
TABLES = {name: f"cohort_{name}" for name in (*COUNTED, "measures", "pairs", "power")}


def create_pipeline() -> Pipeline:
    """Cohort, subjects and division -> image quality, counts, comparisons, pairs, power -> checks and a page."""
    surveyed = ["image_quality", "image_descriptors"]
    counted = [TABLES[name] for name in COUNTED]
    listed = ["cohort", "subjects", "scans", "division", "quarantine", "params:attributes"]
    measured = ["subjects", "scans", "image_quality", AUDIT]
    paired = ["image_descriptors", "cohort", "division", LIMITS]
    counted_out = {name: name for name in OMISSIONS}
    divided = {"splits": "division", "problem": "division_problem"}
    reported = {**divided, "audit": AUDIT, "limits": LIMITS, **counted_out, **TABLES}
    return pipeline(
        [
            node(nodes.survey_images, ["cohort", "scans"], surveyed, name="survey_images"),
            node(nodes.count_cohort, listed, counted, name="count_cohort"),
            node(nodes.compare_cohort, measured, TABLES["measures"], name="compare_cohort"),
            node(nodes.find_cohort_pairs, paired, TABLES["pairs"], name="find_cohort_pairs"),
            node(
                nodes.find_detectable_gaps,
                [TABLES["counts"], "params:fits", AUDIT, LIMITS],
                TABLES["power"],
                name="find_detectable_gaps",
            ),
            node(nodes.report_cohort, reported, ["cohort_checks", "cohort_report"], name="report_cohort"),
        ],
        tags=["cohort_report", "cpu"],
    )
