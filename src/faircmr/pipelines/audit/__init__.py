"""The audit of anybody's model."""

from faircmr.pipelines.audit.pipeline import create_pipeline, create_pipeline_of_masks

__all__ = ["create_pipeline", "create_pipeline_of_masks"]
