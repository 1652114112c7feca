"""From a cohort to validated subjects, splits, plans and tensors."""

from faircmr.pipelines.data_engineering.pipeline import create_pipeline

__all__ = ["create_pipeline"]
