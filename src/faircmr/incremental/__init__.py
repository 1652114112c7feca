"""Decide which outputs of a study are up to date: keys, receipts and digests of code."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
