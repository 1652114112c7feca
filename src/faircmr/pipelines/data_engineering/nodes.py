"""Nodes of data engineering: each hands its inputs to the module that does the work."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from faircmr.core import division
from faircmr.core.cohort import Cohort
from faircmr.core.demographics import summarise
from faircmr.core.division import DivisionProblem
from faircmr.core.proportions import CohortSelectionParameters
from faircmr.core.quarantine import QuarantineParameters
from faircmr.core.splitting import SplitParameters
from faircmr.core.study_index import index_study
from faircmr.core.subject_index import AttributeParameters
from faircmr.segmentation.fingerprint import Fingerprint
from faircmr.segmentation.plans import PlanOverrides, Plans
from faircmr.segmentation.tensors import SubjectTensors


def index_cohort(
    cohort: Cohort, attributes: AttributeParameters, quarantine: QuarantineParameters
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read and check every scan, list the subjects that take part, what cannot be used, and what was left out.

    All tables are made before any is saved: a cohort that cannot be used changes nothing.
    """
    from faircmr.core.quarantine import validate_quarantine
    from faircmr.core.schemas import validate_scans, validate_subjects

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
    from faircmr.segmentation.fingerprint import take_fingerprint

    seen = splits.loc[splits["split"].isin(["train", "validation"]), "subject_id"]
    return take_fingerprint(scans[scans["subject_id"].isin(seen)])


def plan_study(fingerprint: Fingerprint, plans: PlanOverrides) -> Plans:
    """Choose spacing, patch and network."""
    from faircmr.segmentation.planning import plan

    return plan(fingerprint, plans)


def preprocess_cohort(cohort: Cohort, scans: pd.DataFrame, plans: Plans) -> Iterable[SubjectTensors]:
    """Normalise and resample every scan; subjects are computed as they are saved."""
    from faircmr.segmentation.preprocessing import preprocess_subjects

    return preprocess_subjects(cohort.read, scans, plans)
