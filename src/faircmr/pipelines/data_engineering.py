"""From a cohort to validated subjects, splits, plans and tensors: nodes and pipeline."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from kedro.pipeline import Pipeline, node, pipeline

from faircmr.core.scans import Cohort
from faircmr.core.study import (
    AttributeParameters,
    CohortSelectionParameters,
    DivisionProblem,
    QuarantineParameters,
    SplitParameters,
    division,
    index_study,
    summarise,
)
from faircmr.segmentation.data import SubjectTensors
from faircmr.segmentation.network import Fingerprint, PlanOverrides, Plans


def index_cohort(
    cohort: Cohort, attributes: AttributeParameters, quarantine: QuarantineParameters
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read and check every scan, list the subjects that take part, what cannot be used, and what was left out.

    All tables are made before any is saved: a cohort that cannot be used changes nothing.
    """
    from faircmr.core.study import validate_quarantine, validate_scans, validate_subjects

    index = index_study(cohort, attributes, quarantine)
    checked = validate_scans(index.scans), validate_subjects(index.subjects), validate_quarantine(index.quarantine)
    return *checked, index.omissions


def summarise_demographics(subjects: pd.DataFrame) -> pd.DataFrame:
    """Count subjects, sexes and ages by protected group (the paper's Fig. 2)."""
    return summarise(subjects)


def divide_cohort(
    subjects: pd.DataFrame,
    scans: pd.DataFrame,
    split: SplitParameters,
    cohort_selection: CohortSelectionParameters,
    given_splits: pd.DataFrame,
) -> tuple[pd.DataFrame, DivisionProblem, pd.DataFrame]:
    """Divide the subjects into training, validation and test, or say why not, and count what is left out."""
    return division.divide_cohort(subjects, scans, split, cohort_selection, given_splits)


def split_cohort(divided: pd.DataFrame, problem: DivisionProblem) -> pd.DataFrame:
    """Hand the division on to training, unless there is a problem."""
    problem.check()
    return divided


def fingerprint_dataset(scans: pd.DataFrame, splits: pd.DataFrame) -> Fingerprint:
    """Sum up the scans that training may see."""
    from faircmr.segmentation.network import take_fingerprint

    seen = splits.loc[splits["split"].isin(["train", "validation"]), "subject_id"]
    return take_fingerprint(scans[scans["subject_id"].isin(seen)])


def plan_study(fingerprint: Fingerprint, plans: PlanOverrides) -> Plans:
    """Choose spacing, patch and network."""
    from faircmr.segmentation.network import make_plans

    return make_plans(fingerprint, plans)


def preprocess_cohort(cohort: Cohort, scans: pd.DataFrame, plans: Plans) -> Iterable[SubjectTensors]:
    """Normalise and resample every scan; subjects are computed as they are saved."""
    from faircmr.segmentation.data import preprocess_subjects

    return preprocess_subjects(cohort.read, scans, plans)


def create_pipeline() -> Pipeline:
    """Cohort -> scans, subjects, quarantine, omissions, demographics, splits, fingerprint, plans, tensors."""
    return pipeline(
        [
            node(
                index_cohort,
                ["cohort", "params:attributes", "params:quarantine"],
                ["scans", "subjects", "quarantine", "omissions"],
                name="index_cohort",
            ),
            node(summarise_demographics, "subjects", "demographics", name="summarise_demographics"),
            node(
                divide_cohort,
                ["subjects", "scans", "params:split", "params:cohort_selection", "given_splits"],
                ["division", "division_problem", "split_omissions"],
                name="divide_cohort",
            ),
            node(split_cohort, ["division", "division_problem"], "splits", name="split_cohort"),
            node(fingerprint_dataset, ["scans", "splits"], "fingerprint", name="fingerprint_dataset"),
            node(plan_study, ["fingerprint", "params:plans"], "plans", name="plan_study"),
            node(preprocess_cohort, ["cohort", "scans", "plans"], "tensors", name="preprocess_cohort"),
        ],
        tags=["data_engineering", "cpu"],
    )
