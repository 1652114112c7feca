"""Runners that spread the nodes and fits of a study over processes and machines."""

from faircmr.runners.dask_runner import DaskRunner

__all__ = ["DaskRunner"]
