"""The segmentation engine. It knows neither Kedro nor fairness; group labels ride along as opaque keys."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
