"""Parameters of an audit: names of columns, attributes, covariates, margin, alpha and draws."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from faircmr.core import Parameters, Words, column_name, display_name, split_at_plus
from faircmr.core.user_input import MissingWords

Share = Annotated[float, Field(gt=0.0, lt=1.0)]
Draws = Annotated[int, Field(ge=100)]
Columns = tuple[Annotated[str, AfterValidator(column_name)], ...]


class AuditColumns(Parameters):
    """Names of the columns of a table of scores, and how a case's name is read.

    Attributes:
        subject: Whose score it is; in the table of demographics too.
        model: Which model made it; a table without this column is of one model.
        seed: Training seed; a table without it is of one training.
        phase: Of a long table; may be absent.
        structure: Of a long table; may be absent.
        metric: Of a long table; may be absent.
        value: The score of a long table; a table without this column is wide: each further column is a score.
        case: File name of the image that was scored; used where there is no column for the subject.
        case_pattern: Regular expression of a case's whole name without its suffix, with groups ``subject`` and,
            if there is one, ``phase``.
        demographics_subject: Whose row it is in the table of demographics, where the column has another name there than
            ``subject``.
        missing: Further words of both tables that mean missing, such as ``unknown`` or ``999``.
        not_missing: Missing-value words that are values of text columns, such as a group that is called ``NA``.
    """

    subject: str = "subject_id"
    model: str = "model"
    seed: str = "seed"
    phase: str = "phase"
    structure: str = "structure"
    metric: str = "metric"
    value: str = "value"
    case: str = "case"
    case_pattern: str = r"(?P<subject>.+?)(?:_(?P<phase>ED|ES))?"
    demographics_subject: str = ""
    missing: Words = ()
    not_missing: Words = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that hold no score of a wide table."""
        return (
            *(self.subject, self.model, self.seed, self.phase),
            *(self.structure, self.metric, self.value, self.case),
        )

    @property
    def words(self) -> MissingWords:
        """Missing-value words of both tables."""
        return MissingWords.of(self.missing, self.not_missing)

    @field_validator("case_pattern")
    @classmethod
    def _names_a_subject(cls, value: str) -> str:
        try:
            groups = re.compile(value).groupindex
        except re.error as error:
            raise ValueError(f"it is no regular expression: {error}") from None
        if "subject" not in groups:
            raise ValueError("it has no group (?P<subject>...)")
        return value

    @model_validator(mode="after")
    def _are_different(self) -> Self:
        if len(set(self.names)) < len(self.names):
            raise ValueError("two of them have one name")
        return self


class AuditParameters(Parameters):
    """The declared family of questions.

    Attributes:
        attributes: Attributes of people to audit, the protected one first, and each pair of them together; of a
            study they are its own. On the command line, where a list cannot be written: ``race+sex``.
        covariates: What to hold equal besides (age, centre): numbers in a straight line, anything else by category.
        categorical: Covariates that are codes although they look like numbers (a centre 11025), held equal by category.
            Attributes always are; in a study ``attributes.categorical`` declares them.
        mediators: Numbers through which a group itself may be worse off (the size of its hearts): held equal in a
            second adjustment beside the first.
        metric: Which metric of a long table; between 0 and 1, higher is better.
        baseline: Model that the others are compared with; the first one, if empty.
        margin: Largest difference from the others, in the unit of the metric, that still counts as equal.
        alpha: Error that is accepted: of tests after Holm's correction, and of intervals.
        min_group_size: Of a smaller group the mean is told and nothing else; it counts neither in the disparity nor
            among the others.
        draws: Of the bootstrap and of the permutations.
        seed: Of the draws.
    """

    attributes: Columns = ()
    covariates: Columns = ()
    categorical: Columns = ()
    mediators: Columns = ()
    metric: str = "dsc"
    baseline: Annotated[str, AfterValidator(display_name)] = ""
    margin: Share = 0.01
    alpha: Share = 0.05
    min_group_size: Annotated[int, Field(ge=2)] = 8
    draws: Draws = 10_000
    seed: int = 0

    @field_validator("attributes", "covariates", "categorical", "mediators", mode="before")
    @classmethod
    def _divide_text(cls, value: object) -> object:
        return split_at_plus(value)

    @model_validator(mode="after")
    def _are_of_one_kind(self) -> Self:
        if both := set(self.covariates).intersection(self.mediators):
            raise ValueError(f"{min(both)} is both a covariate and a mediator")
        if others := set(self.categorical).difference(self.covariates, self.attributes):
            raise ValueError(
                f"{min(others)} is categorical and no covariate: name it in covariates too; "
                "of a study both are in params:attributes"
            )
        return self

    @property
    def confidence(self) -> float:
        """Of intervals."""
        return 1.0 - self.alpha
