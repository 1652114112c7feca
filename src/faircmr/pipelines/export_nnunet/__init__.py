"""Any cohort as a raw data set of nnU-Net."""

from faircmr.pipelines.export_nnunet.pipeline import PREPARED, create_pipeline

__all__ = ["PREPARED", "create_pipeline"]
