"""Segmentation engine, independent of Kedro and of fairness: protected groups are opaque keys here."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
