"""Sunnybrook Cardiac Data: DICOM, contours as text, and a table."""

from faircmr.sources.sunnybrook.source import Sunnybrook

__all__ = ["Sunnybrook"]
