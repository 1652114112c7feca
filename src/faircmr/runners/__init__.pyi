from .dask_runner import DaskRunner as DaskRunner
