"""Column names and reserved row names that several kinds of tables share."""

from __future__ import annotations

from collections.abc import Iterable

from faircmr.core.errors import InvalidCohortError

PROTECTED_GROUP = "protected_group"
"""Value of the protected attribute, as text."""
HEART_SIZE = "heart_ml"
"""Mean drawn volume of a subject's structures, mL: Dice falls with it, and hearts are smaller in some groups."""
RESERVED = (PROTECTED_GROUP, HEART_SIZE, "split", "fold", "missing", "value")
"""Columns that tables of a study have next to attributes of subjects: no other attribute has such a name."""
OWN_GROUPS = ("Total", "all", "rest")
"""What tables call everybody, and everybody but one group."""


def check_group_names(groups: Iterable[object], attribute: str) -> None:
    """Refuse groups that could not be told apart from rows of the tables' own.

    Args:
        groups: Values of an attribute, missing ones too.
        attribute: Its name.

    Raises:
        InvalidCohortError: A group has one of the names :data:`OWN_GROUPS`.
    """
    taken = sorted(set(OWN_GROUPS).intersection(groups))
    if taken:
        raise InvalidCohortError(
            f"attribute {attribute!r}",
            f"a group is called {taken[0]!r}",
            f"names other than {', '.join(OWN_GROUPS)}, which rows of the tables have",
            "rename the group in the table of subjects",
        )
