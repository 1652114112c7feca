"""Audit of any segmentation model: nodes and pipeline."""

from __future__ import annotations

import logging
from dataclasses import replace

import pandas as pd
from kedro.pipeline import Pipeline, node, pipeline

from faircmr.core import log_omissions
from faircmr.core.scans import MaskPairs
from faircmr.fairness.audit import AuditColumns, AuditParameters, MaskLabels, MaskNotes

logger = logging.getLogger(__name__)
NO_NOTES = MaskNotes()


def score_masks(masks: MaskPairs, labels: MaskLabels) -> tuple[pd.DataFrame, MaskNotes]:
    """Score every pair of masks of two folders, and say what is left out and what looks wrong."""
    from faircmr.fairness.audit import score_masks as scored

    scores, said = scored(masks, labels)
    return scores, MaskNotes(notes=said, omissions=masks.omissions)


def audit_scores(
    scores: pd.DataFrame,
    demographics: pd.DataFrame,
    audit: AuditParameters,
    columns: AuditColumns,
    masks: MaskNotes = NO_NOTES,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, str]:
    """Groups, disparity, changes, adjusted differences, matched pairs, and a page that says what they mean.

    ``masks`` has what is to be said of the masks that the scores were made from.
    """
    from faircmr.fairness.audit import audit as audited
    from faircmr.reporting import audit_report

    found = audited(scores, demographics, audit, columns)
    found = replace(found, notes=(*masks.notes, *found.notes), omissions=(*masks.omissions, *found.omissions))
    log_omissions(logger, found.omissions)
    for note in found.notes:
        logger.warning("%s", note)
    page = audit_report(found, audit, "Audit")
    return found.groups, found.disparity, found.changes, found.adjusted, found.matched, page


TABLES = ["audit.groups", "audit.disparity", "audit.changes", "audit.adjusted", "audit.matched"]


def create_pipeline() -> Pipeline:
    """A table of scores and one of demographics -> tables and one page. Nothing is trained."""
    return _audit_of("audit.scores", "audit_scores")


def create_pipeline_of_masks() -> Pipeline:
    """Two folders of masks and a table of demographics -> scores -> tables and one page."""
    inputs, outputs = ["audit.masks", "params:audit_labels"], ["audit.mask_scores", "audit.mask_notes"]
    scoring = node(score_masks, inputs, outputs, name="score_masks")
    return pipeline([scoring], tags=["audit", "cpu"]) + _audit_of(
        "audit.mask_scores", "audit_masks", "audit.mask_notes"
    )


def _audit_of(scores: str, name: str, *further: str) -> Pipeline:
    inputs = [scores, "audit.demographics", "params:audit", "params:audit_columns", *further]
    return pipeline([node(audit_scores, inputs, [*TABLES, "audit.report"], name=name)], tags=["audit", "cpu"])
