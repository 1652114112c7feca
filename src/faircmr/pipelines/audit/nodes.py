"""Nodes of the audit of anybody's model."""

from __future__ import annotations

import logging
from dataclasses import replace

import pandas as pd

from faircmr.core.mask_pairs import MaskPairs
from faircmr.core.omissions import log_omissions
from faircmr.fairness.audit.mask_labels import MaskLabels
from faircmr.fairness.audit.mask_notes import MaskNotes
from faircmr.fairness.audit.parameters import AuditColumns, AuditParameters

logger = logging.getLogger(__name__)
NO_NOTES = MaskNotes()


def score_masks(masks: MaskPairs, labels: MaskLabels) -> tuple[pd.DataFrame, MaskNotes]:
    """Score every pair of masks of two folders, and say what is left out and what looks wrong."""
    from faircmr.fairness.audit.masks import score_masks as scored

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
    from faircmr.reporting.audit_report import audit_report

    found = audited(scores, demographics, audit, columns)
    found = replace(found, notes=(*masks.notes, *found.notes), omissions=(*masks.omissions, *found.omissions))
    log_omissions(logger, found.omissions)
    for note in found.notes:
        logger.warning("%s", note)
    page = audit_report(found, audit, "Audit")
    return found.groups, found.disparity, found.changes, found.adjusted, found.matched, page
