"""The machine below a study: files that are whole or absent, leases, processes, stopping."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
