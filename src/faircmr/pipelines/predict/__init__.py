"""A trained strategy on a folder of unlabelled scans; a side pipeline, never part of a study."""

from faircmr.pipelines.predict.pipeline import create_pipeline

__all__ = ["create_pipeline"]
