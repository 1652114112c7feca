"""Kedro data sets of the catalog: cohort, predictions (NIfTI), tensors, models, tables."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
