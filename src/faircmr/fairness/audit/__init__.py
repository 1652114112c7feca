"""Is this model fair? The same questions of a study and of anybody's scores."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
