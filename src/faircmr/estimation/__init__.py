"""What training will cost before anything is trained: fits are listed, a few steps measured, and both multiplied."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
