"""Fairness audit of a study's strategies or of external scores: tables, tests and notes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
