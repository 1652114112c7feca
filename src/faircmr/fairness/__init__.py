"""Scores of segmentations, and how they differ between groups of subjects."""
