"""Nodes of the audit of anybody's model."""

from __future__ import annotations

import logging

import pandas as pd

from faircmr.core.mask_pairs import MaskPairs
from faircmr.core.user_tables import with_numbers
from faircmr.fairness.audit.masks import MaskLabels
from faircmr.fairness.audit.parameters import AuditColumns, AuditParameters

logger = logging.getLogger(__name__)


def score_masks(masks: MaskPairs, labels: MaskLabels) -> pd.DataFrame:
    """Score every pair of masks of two folders."""
    from faircmr.fairness.audit.masks import score_masks as scored

    if masks.unmatched:
        logger.warning("%d masks are in one of the two folders alone, and are not scored", masks.unmatched)
    return scored(masks, labels)


def audit_scores(
    scores: pd.DataFrame, demographics: pd.DataFrame, audit: AuditParameters, columns: AuditColumns
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, str]:
    """Groups, disparity, changes, adjusted differences, matched pairs, and a page that says what they mean."""
    from faircmr.fairness.audit import audit as audited
    from faircmr.reporting.audit_report import audit_report

    people = with_numbers(demographics, text=[columns.subject])
    found = audited(with_numbers(scores, text=columns.names), people, audit, columns)
    for note in found.notes:
        logger.warning("%s", note)
    page = audit_report(found, audit, "Audit")
    return found.groups, found.disparity, found.changes, found.adjusted, found.matched, page
