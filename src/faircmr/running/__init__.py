"""Start and end of a run: check parameters, print expected errors in one line, print tables."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
