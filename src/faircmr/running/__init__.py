"""How a run begins and ends: parameters are checked, expected errors become one line, tables are printed."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
