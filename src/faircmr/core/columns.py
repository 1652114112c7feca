"""Names of columns that tables of different kinds share."""

from __future__ import annotations

PROTECTED_GROUP = "protected_group"
"""Value of the protected attribute, as text."""
