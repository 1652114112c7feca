"""What a report shows, and what nobody but the people of a study can say about it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from faircmr.core.parameters import Parameters


class ReportParameters(Parameters):
    """The report, and what its cards say of the study.

    Attributes:
        title: Heading of the report.
        examples: Best and worst segmentations that are shown of each group; 0 where no image of a person may leave the
            study's folder.
        data_set: Where the data are from, in a sentence.
        licence: Under which terms they may be used.
        intended_use: What the models are meant for; research alone, unless somebody answers for more.
    """

    title: Annotated[str, Field(min_length=1)] = "Is every group segmented as well as the others?"
    examples: Annotated[int, Field(ge=0, le=5)] = 1
    data_set: str = ""
    licence: str = ""
    intended_use: str = ""
