"""Files, processes and signals of this machine: atomic writes, leases, thread pools, stopping a run."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
