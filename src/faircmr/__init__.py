"""Find and reduce demographic bias in deep-learning segmentation of cine short-axis cardiac MR."""

__version__ = "0.1.0"
