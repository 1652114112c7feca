"""The fairness report: one page about a study, from the tables that its evaluation has saved."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
