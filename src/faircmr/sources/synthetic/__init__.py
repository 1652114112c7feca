"""The embedded cohort: people who do not exist, written as NIfTI, with a known difference between groups."""

from faircmr.sources.synthetic.parameters import SyntheticParameters
from faircmr.sources.synthetic.source import Synthetic

__all__ = ["Synthetic", "SyntheticParameters"]
