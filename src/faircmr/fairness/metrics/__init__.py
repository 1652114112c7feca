"""Scores of one segmentation: overlap, surfaces, volumes, and what a cardiologist reads from them."""
