"""Names of columns that tables of different kinds share."""

from __future__ import annotations

PROTECTED_GROUP = "protected_group"
"""Value of the protected attribute, as text."""
HEART_SIZE = "heart_ml"
"""Mean drawn volume of a subject's structures, mL: Dice falls with it, and hearts are smaller in some groups."""
RESERVED = (PROTECTED_GROUP, HEART_SIZE, "split", "fold", "missing", "value")
"""Columns that tables of a study have next to attributes of subjects: no other attribute has such a name."""
