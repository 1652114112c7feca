"""Render tables as pages, figures and text. Nothing here computes scores or trains."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
