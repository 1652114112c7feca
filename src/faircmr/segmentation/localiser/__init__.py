"""Finding the heart: the localiser and the heart regions (ROI) that it finds."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
