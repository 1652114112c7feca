"""The tiny study of phantoms that the engine's tests use."""

from tests.segmentation.conftest import tensors

__all__ = ["tensors"]
