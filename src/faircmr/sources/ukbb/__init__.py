"""UK Biobank: tables, archives, contours."""

from faircmr.sources.ukbb.source import Ukbb

__all__ = ["Ukbb"]
