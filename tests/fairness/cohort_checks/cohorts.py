"""A cohort as tables: two groups of 20 and one of 4, half of each women, no confounder and no duplicate."""

from __future__ import annotations

import numpy as np
import pandas as pd

from faircmr.core import omission_table
from faircmr.core.scans import AS_STORED, FEATURES
from faircmr.core.study import AttributeParameters, DivisionProblem
from faircmr.fairness.audit import AuditParameters
from faircmr.fairness.cohort_checks import (
    CohortCheckParameters,
    CohortTables,
    compare_measures,
    detectable_gaps,
    find_pairs,
    geometry_counts,
    missing_values,
    quarantined_by_group,
    split_counts,
)
from faircmr.fairness.cohort_checks.measures import IMAGE_MEASURES

SIZES = {"A": 20, "B": 20, "C": 4}
ATTRIBUTES = AttributeParameters(protected_attribute="race", audit_attributes=("race", "sex"), covariates=("age",))
AUDIT = AuditParameters(min_group_size=5, draws=100)
LIMITS = CohortCheckParameters()


class CohortOnPaper:
    """The tables that data engineering and the survey of images would give; to be changed before it is summed up."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        groups = [group for group, size in SIZES.items() for _ in range(size)]
        ids = [f"sub-{number:04d}" for number in range(1, len(groups) + 1)]
        self.subjects = pd.DataFrame(
            {"subject_id": ids, "protected_group": groups, "sex": ["F", "M"] * 22, "age": rng.normal(60, 7, 44)}
        )
        scans = pd.DataFrame({"subject_id": np.repeat(ids, 2), "phase": ["ED", "ES"] * 44, "labelled": True})
        grid = {"slices": 10, "rows": 208, "columns": 187, "spacing_slice": 10.0}
        self.scans = scans.assign(**grid, spacing_row=1.8, spacing_column=1.8, unit="mm", label_grid=AS_STORED)
        quality = pd.DataFrame(rng.normal(0.3, 0.01, (88, len(IMAGE_MEASURES))), columns=list(IMAGE_MEASURES))
        touched = {"saturated": 0.0, "at_border": 0.0, "at_base": 0.0, "at_apex": 0.0, "labels_swapped": 0.0}
        self.quality = scans[["subject_id", "phase"]].join(quality).assign(**touched)
        features = pd.DataFrame(rng.normal(size=(88, len(FEATURES))), columns=list(FEATURES))
        digests = [str(number) for number in range(88)]
        self.descriptors = scans[["subject_id", "phase"]].assign(digest=digests).join(features)
        # six of A, six of B and one of C are the test
        parts = [*(["train"] * 12 + ["validation"] * 2 + ["test"] * 6) * 2, "train", "train", "validation", "test"]
        self.splits = pd.DataFrame({"subject_id": ids, "split": parts})
        self.everybody = self.subjects.rename(columns={"protected_group": "race"})
        self.quarantine = pd.DataFrame({"subject_id": [], "phase": [], "reason": []}, dtype="str")
        self.limits, self.audit = LIMITS, AUDIT
        self.problem = DivisionProblem()
        self.attributes = ATTRIBUTES
        self.omissions = self.split_omissions = omission_table({})

    def tables(self) -> CohortTables:
        counts = split_counts(self.subjects, self.splits, self.attributes)
        return CohortTables(
            counts=counts,
            missing=missing_values(self.subjects, self.scans),
            quarantined=quarantined_by_group(self.quarantine, self.everybody, "race"),
            geometry=geometry_counts(self.scans),
            measures=compare_measures(self.subjects, self.scans, self.quality, self.audit),
            pairs=find_pairs(self.descriptors, self.everybody, self.splits, self.limits.duplicate_distance),
            power=detectable_gaps(counts, None, self.audit, self.limits),
            omissions=self.omissions,
            split_omissions=self.split_omissions,
            audit=self.audit,
            limits=self.limits,
            problem=self.problem,
        )
