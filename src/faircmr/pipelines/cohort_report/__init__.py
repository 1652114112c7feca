"""What a cohort can show, before any training."""

from faircmr.pipelines.cohort_report.pipeline import NEEDED, create_pipeline

__all__ = ["NEEDED", "create_pipeline"]
