"""The one family of expected errors: what is wrong, what is permitted, what to do.

A message never holds a source id, a path below the source root, or a voxel value of a person:
subjects are named by their study key (``sub-0001``).
"""

from __future__ import annotations

from faircmr.core.visible_text import visible_text


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
