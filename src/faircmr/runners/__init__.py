"""Runners that spread the nodes and fits of a study over processes and machines."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
