"""The paper's tables: scores by subject and group, disparity, training seeds."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
