"""What a study will take, before it is begun; a side pipeline, never part of a study."""

from faircmr.pipelines.estimate.pipeline import PREPARED, create_pipeline

__all__ = ["PREPARED", "create_pipeline"]
