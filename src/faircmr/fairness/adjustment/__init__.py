"""Whether groups still differ between subjects who are otherwise alike: regression and matching."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
