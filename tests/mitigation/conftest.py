"""The tiny study of phantoms of the segmentation tests."""

from tests.segmentation.conftest import tensors

__all__ = ["tensors"]
