"""The embedded cohort: synthetic subjects, written as NIfTI, with a known difference between groups."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
