"""One template, instantiated by name for every mitigation strategy."""

from faircmr.pipelines.training.template import create_identity_pipeline, create_pipeline

__all__ = ["create_identity_pipeline", "create_pipeline"]
