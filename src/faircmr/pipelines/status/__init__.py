"""Where a study stands while it runs elsewhere; a side pipeline that makes nothing."""

from faircmr.pipelines.status.pipeline import create_pipeline

__all__ = ["create_pipeline"]
