"""Figures of the cohort and of the results."""

from faircmr.pipelines.reporting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
