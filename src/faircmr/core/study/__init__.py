"""The subjects and scans of one study: keys, index, splits, schemas of its tables, scans that are left out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
