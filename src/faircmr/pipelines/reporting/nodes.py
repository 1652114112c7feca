"""Nodes of reporting."""

from __future__ import annotations

import pandas as pd

from faircmr.core.cohort import Cohort
from faircmr.core.prediction import Predictions
from faircmr.core.splitting import SplitParameters
from faircmr.fairness.audit.parameters import AuditParameters
from faircmr.mitigation.parameters import FitsParameters, StrategyParameters
from faircmr.reporting.report.parameters import ReportParameters
from faircmr.reporting.report.pictures import CasePictures
from faircmr.segmentation.fingerprint import Fingerprint
from faircmr.segmentation.parameters import InferenceParameters, TrainingParameters


def plot_demographics(demographics: pd.DataFrame) -> str:
    """The paper's Fig. 2 as SVG text."""
    from faircmr.reporting.figures import demographics_figure

    return demographics_figure(demographics)


def show_cohort(cohort: Cohort, subjects: pd.DataFrame) -> bytes:
    """A mid-ventricular slice of the first subject of each protected group, at both phases, as PNG."""
    from faircmr.reporting.gallery import cohort_gallery, examples_of

    return cohort_gallery(examples_of(cohort, subjects))


def list_strategies(**strategies: StrategyParameters) -> pd.DataFrame:
    """Say what each strategy of the registry chooses."""
    from faircmr.reporting.report.choices import strategy_choices

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
    from faircmr.reporting.report.provenance import provenance

    parameters = {"training": training, "inference": inference, "fits": fits, "split": split, "audit": audit}
    return provenance(study_key, {**parameters, "fingerprint": fingerprint})


def gather_tables(**tables: pd.DataFrame) -> pd.DataFrame:
    """Put a table of every strategy that has it into one."""
    from faircmr.reporting.report.gathering import one_below_another

    return one_below_another(tables)


def gather_omissions(**tables: pd.DataFrame) -> pd.DataFrame:
    """Put what the study and every strategy left out into one table."""
    from faircmr.reporting.report.gathering import all_omissions

    return all_omissions(tables)


def count_confusions(**group_predictions: pd.DataFrame) -> pd.DataFrame:
    """Count whom the classifiers took for whom."""
    from faircmr.reporting.report.gathering import confusions

    return confusions(group_predictions)


def summarise_surfaces(subjects: pd.DataFrame, **scores: pd.DataFrame) -> pd.DataFrame:
    """Average the distances between surfaces over each group."""
    from faircmr.reporting.report.surface import surface_errors

    return surface_errors(scores, subjects)


def find_cases(subjects: pd.DataFrame, report: ReportParameters, **scores: pd.DataFrame) -> pd.DataFrame:
    """Name the best and the worst segmented subjects of each group."""
    from faircmr.reporting.report.cases import extreme_cases

    return extreme_cases(scores, subjects, report.examples)


def draw_cases(cohort: Cohort, cases: pd.DataFrame, **predictions: Predictions) -> CasePictures:
    """Draw them: image, reference and prediction."""
    from faircmr.reporting.report.pictures import draw_cases as drawn

    return drawn(cases, cohort, predictions)


def report_study(
    audit: AuditParameters, report: ReportParameters, pictures: CasePictures, **tables: pd.DataFrame
) -> str:
    """Lay everything that the study has saved out on one page."""
    from faircmr.reporting.report.page import study_report
    from faircmr.reporting.report.study import Study, StudyTables

    return study_report(Study(StudyTables(**tables), audit), pictures, report.title)


def write_paper_tables(audit: AuditParameters, **tables: pd.DataFrame) -> tuple[str, str, pd.DataFrame, pd.DataFrame]:
    """Write Tables 1 and 2 as LaTeX, and with the same cells as CSV."""
    from faircmr.reporting.publication.flat_tables import flat_table_1, flat_table_2
    from faircmr.reporting.publication.latex import latex_table_1, latex_table_2
    from faircmr.reporting.report.study import Study, StudyTables

    study = Study(StudyTables(**tables), audit)
    return latex_table_1(study), latex_table_2(study), flat_table_1(study), flat_table_2(study)


def draw_paper_figures(audit: AuditParameters, **tables: pd.DataFrame) -> tuple[str | bytes, ...]:
    """Draw every figure of a paper twice: SVG, and PDF."""
    from faircmr.reporting.publication.figures import paper_figures
    from faircmr.reporting.report.study import Study, StudyTables

    return paper_figures(Study(StudyTables(**tables), audit))


def write_cards(audit: AuditParameters, report: ReportParameters, **tables: pd.DataFrame) -> tuple[str, str]:
    """Fill in a model card and a datasheet."""
    from faircmr.reporting.publication.datasheet import datasheet
    from faircmr.reporting.publication.model_card import model_card
    from faircmr.reporting.report.study import Study, StudyTables

    study = Study(StudyTables(**tables), audit)
    return model_card(study, report), datasheet(study, report)
