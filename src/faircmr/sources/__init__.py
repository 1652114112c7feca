"""One adapter a data set: each turns files on disk into a ``Cohort``."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
