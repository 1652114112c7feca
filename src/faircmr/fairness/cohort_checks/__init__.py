"""What a cohort can and cannot show, before anything is trained: counts, confounders, duplicates, power."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
