"""Expected errors: each message says what is wrong, what is permitted, and what to do.

A message never holds a source id, a path below the source root, or a voxel value of a person:
subjects are named by their study key (``sub-0001``).
"""

from __future__ import annotations

import unicodedata

_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that Python takes for printable and that show nothing."""
_VARIANTS = (("\ufe00", "\ufe0f"), ("\U000e0100", "\U000e01ef"))
"""First and last of the characters that choose a form of the one before them."""
_CHANGES_OF_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LAST_TWO_OF_A_PLANE = 0xFFFE


def character_code(sign: str) -> str:
    """A character as its code."""
    return f"<U+{ord(sign):04X}>"


def is_visible(sign: str) -> bool:
    """Whether a reader can see a character; of blanks, only the plain one counts."""
    is_variant = any(first <= sign <= last for first, last in _VARIANTS)
    return sign.isprintable() and not is_variant and sign not in _UNSEEN


def visible_text(text: str) -> str:
    """Sentences without what acts on a terminal or is no XML: it is shown as codes. Line breaks and tabs stay."""
    if text.isprintable():
        return text
    return "".join(character_code(sign) if _is_control_character(sign) else sign for sign in text)


def _is_control_character(sign: str) -> bool:
    """Whether it is a control character, changes the direction of writing, or is not a character at all."""
    if sign in "\n\t":
        return False
    is_none = unicodedata.category(sign) in {"Cc", "Cs"} or ord(sign) & _LAST_TWO_OF_A_PLANE == _LAST_TWO_OF_A_PLANE
    return is_none or sign in _CHANGES_OF_DIRECTION


class FaircmrError(Exception):
    """An expected error that ends a run with one clear line.

    Args:
        offender: What is wrong: a parameter, a scan (``sub-0007 ED``), a file of the study.
        value: The value found.
        permitted: The permitted form.
        remedy: What to do about it.
    """

    def __init__(self, offender: str, value: object, permitted: str, remedy: str = "") -> None:
        self.offender, self.value, self.permitted, self.remedy = offender, value, permitted, remedy
        super().__init__(offender, value, permitted, remedy)

    def __str__(self) -> str:
        parts = (f"{self.offender}: {self.value}", self.permitted, self.remedy)
        return visible_text("; ".join(part for part in parts if part))

    def reason(self, common_remedy: str = "") -> str:
        """What is wrong, what is permitted and what to do, for a table whose rows name the offender.

        Args:
            common_remedy: A remedy that applies to every row alike, and is not repeated in each.
        """
        remedy = "" if self.remedy == common_remedy else self.remedy
        return visible_text("; ".join(part for part in (str(self.value), self.permitted, remedy) if part))


class InvalidParameterError(FaircmrError):
    """A parameter is unknown, of the wrong type, or out of range."""


class ProjectNotFoundError(FaircmrError):
    """A command was started where there is neither a project nor a configuration."""

    @classmethod
    def here(cls) -> ProjectNotFoundError:
        """The error of the current folder, which is not named: it may be of a person."""
        return cls(
            "project",
            "not in this folder or above it",
            "a folder of the project, or a configuration that is named",
            "cd into the clone of faircmr, or add --conf-source <clone>/conf to python -m faircmr",
        )


class InvalidCohortError(FaircmrError):
    """The cohort as a whole cannot be used: no scans, duplicate ids, missing attributes."""


class InvalidScanError(FaircmrError):
    """One scan cannot be used: unreadable, inconsistent, or outside the label map."""


class UndeclaredLabelError(InvalidScanError):
    """A label image has values of which nobody has declared the meaning."""


class InvalidSplitError(FaircmrError):
    """Subjects cannot be divided into training, validation and test as asked."""


class InvalidScoresError(FaircmrError):
    """Scores are missing, not numbers, or outside their range."""


class StudyMismatchError(FaircmrError):
    """Results of different studies were asked to stand in one table."""


class InvalidModelError(FaircmrError):
    """A checkpoint or model does not belong to this configuration, or is damaged."""


class OutputError(FaircmrError):
    """An output cannot be written or read back whole."""
