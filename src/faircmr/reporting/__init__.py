"""Tables in; text, figures and progress out. Nothing here computes a score or trains."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
