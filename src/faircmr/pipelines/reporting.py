"""Reports and figures from the tables of a study: nodes and pipeline."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from kedro.pipeline import Pipeline, node, pipeline

from faircmr.core.scans import Cohort, Predictions
from faircmr.core.study import SplitParameters
from faircmr.fairness.audit import AuditParameters
from faircmr.mitigation import FitsParameters, StrategyParameters
from faircmr.reporting.report import CasePictures, ReportParameters
from faircmr.segmentation import InferenceParameters, TrainingParameters
from faircmr.segmentation.network import Fingerprint


def plot_demographics(demographics: pd.DataFrame) -> str:
    """The paper's Fig. 2 as SVG text."""
    from faircmr.reporting import demographics_figure

    return demographics_figure(demographics)


def show_cohort(cohort: Cohort, subjects: pd.DataFrame) -> bytes:
    """A mid-ventricular slice of the first subject of each protected group, at both phases, as PNG."""
    from faircmr.reporting import cohort_gallery, examples_of

    return cohort_gallery(examples_of(cohort, subjects))


def list_strategies(**strategies: StrategyParameters) -> pd.DataFrame:
    """Say what each strategy of the registry chooses."""
    from faircmr.reporting.report import strategy_choices

    # Kedro turns values of named arguments into models, and leaves those of others as they stand in the file
    return strategy_choices({name: StrategyParameters.model_validate(one) for name, one in strategies.items()})


def describe_study(
    study_key: str,
    fingerprint: Fingerprint,
    training: TrainingParameters,
    inference: InferenceParameters,
    fits: FitsParameters,
    split: SplitParameters,
    audit: AuditParameters,
) -> pd.DataFrame:
    """Say what the study was made with: versions, digests, seeds, parameters."""
    from faircmr.reporting.report import provenance

    parameters = {"training": training, "inference": inference, "fits": fits, "split": split, "audit": audit}
    return provenance(study_key, {**parameters, "fingerprint": fingerprint})


def gather_tables(**tables: pd.DataFrame) -> pd.DataFrame:
    """Put a table of every strategy that has it into one."""
    from faircmr.reporting.report import one_below_another

    return one_below_another(tables)


def gather_omissions(**tables: pd.DataFrame) -> pd.DataFrame:
    """Put what the study and every strategy left out into one table."""
    from faircmr.reporting.report import all_omissions

    return all_omissions(tables)


def count_confusions(**group_predictions: pd.DataFrame) -> pd.DataFrame:
    """Count actual and predicted groups of the classifiers."""
    from faircmr.reporting.report import confusions

    return confusions(group_predictions)


def summarise_surfaces(subjects: pd.DataFrame, **scores: pd.DataFrame) -> pd.DataFrame:
    """Average the distances between surfaces over each group."""
    from faircmr.reporting.report import surface_errors

    return surface_errors(scores, subjects)


def find_cases(subjects: pd.DataFrame, report: ReportParameters, **scores: pd.DataFrame) -> pd.DataFrame:
    """Name the best and the worst segmented subjects of each group."""
    from faircmr.reporting.report import extreme_cases

    return extreme_cases(scores, subjects, report.examples)


def draw_cases(cohort: Cohort, cases: pd.DataFrame, **predictions: Predictions) -> CasePictures:
    """Draw them: image, reference and prediction."""
    from faircmr.reporting.report import draw_cases as drawn

    return drawn(cases, cohort, predictions)


def report_study(
    audit: AuditParameters, report: ReportParameters, pictures: CasePictures, **tables: pd.DataFrame
) -> str:
    """Lay everything that the study has saved out on one page."""
    from faircmr.reporting.report import Study, StudyTables, study_report

    return study_report(Study(StudyTables(**tables), audit), pictures, report.title)


def write_paper_tables(audit: AuditParameters, **tables: pd.DataFrame) -> tuple[str, str, pd.DataFrame, pd.DataFrame]:
    """Write Tables 1 and 2 as LaTeX, and with the same cells as CSV."""
    from faircmr.reporting.publication import flat_table_1, flat_table_2, latex_table_1, latex_table_2
    from faircmr.reporting.report import Study, StudyTables

    study = Study(StudyTables(**tables), audit)
    return latex_table_1(study), latex_table_2(study), flat_table_1(study), flat_table_2(study)


def draw_paper_figures(audit: AuditParameters, **tables: pd.DataFrame) -> tuple[str | bytes, ...]:
    """Draw every figure of a paper twice: SVG, and PDF."""
    from faircmr.reporting.publication import paper_figures
    from faircmr.reporting.report import Study, StudyTables

    return paper_figures(Study(StudyTables(**tables), audit))


def write_cards(audit: AuditParameters, report: ReportParameters, **tables: pd.DataFrame) -> tuple[str, str]:
    """Fill in a model card and a datasheet."""
    from faircmr.reporting.publication import datasheet, model_card
    from faircmr.reporting.report import Study, StudyTables

    study = Study(StudyTables(**tables), audit)
    return model_card(study, report), datasheet(study, report)


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
            node(plot_demographics, "demographics", "demographics_figure", name="plot_demographics"),
            node(show_cohort, ["cohort", "subjects"], "cohort_gallery", name="show_cohort"),
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
            node(list_strategies, choices, "report_choices", name="list_strategies"),
            node(describe_study, STUDY, "report_provenance", name="describe_study"),
            node(gather_omissions, left_out, "report_omissions", name="gather_omissions"),
            node(gather_tables, each("table1"), "report_table1", name="gather_table1"),
            node(gather_tables, each("classifier_table"), "report_classifiers", name="gather_classifiers"),
            node(count_confusions, each("group_predictions"), "report_confusion", name="count_confusions"),
            node(summarise_surfaces, {**subjects, **each("scores")}, "report_surface", name="summarise_surfaces"),
            node(find_cases, found, "report_cases", name="find_cases"),
            node(draw_cases, {**drawn, **each("predictions")}, "report_pictures", name="draw_cases"),
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
            node(report_study, shown, "report", name="report_study"),
            node(write_paper_tables, asked, PAPER_TABLES, name="write_paper_tables"),
            node(draw_paper_figures, asked, drawn, name="draw_paper_figures"),
            node(write_cards, {"report": REPORT, **asked}, ["model_card", "datasheet"], name="write_cards"),
        ],
        tags=TAGS,
    )
