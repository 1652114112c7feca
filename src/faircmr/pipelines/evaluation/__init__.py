"""The comparison of all strategies that ran."""

from faircmr.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
