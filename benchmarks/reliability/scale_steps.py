"""Sizes of simulated cohorts, and the commands that are measured in a study of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """One simulated cohort.

    Attributes:
        subjects: Each with two labelled scans.
        pixels: Rows, and columns, of a scan.
        images: Whether tensors are made and predictions scored, or the scans are indexed and nothing else.
        evaluated: Whether there are scores and their evaluation.
    """

    subjects: int
    pixels: int = 32
    images: bool = True
    evaluated: bool = True

    @property
    def name(self) -> str:
        return f"{self.subjects}-{self.pixels}"


@dataclass(frozen=True)
class Step:
    """One command, and what has to be written before it.

    Attributes:
        name: Of the measurement.
        arguments: Of ``kedro run``.
        before: Argument of :mod:`benchmarks.reliability.scale_cohorts`; empty for nothing.
    """

    name: str
    arguments: tuple[str, ...]
    before: str = ""


INDEX = ("--pipelines", "data_engineering", "--to-nodes", "plan_study,summarise_demographics")
ENGINEERING = ("--pipelines", "data_engineering")
SCORING = ("--pipelines", "baseline", "--from-inputs", "baseline.predictions", "--to-outputs", "baseline.table1")
EVALUATION = ("--pipelines", "evaluation")
LISTED = (Step("index", INDEX), Step("index again", INDEX))
WITH_IMAGES = (
    Step("tensors", ENGINEERING),
    Step("tensors again", ENGINEERING),
    Step("study key", ("--pipelines", "baseline", "--to-outputs", "study_key")),
    Step("scoring", SCORING, before="predictions"),
    Step("scoring again", SCORING),
)
EVALUATED = (Step("evaluation", EVALUATION), Step("evaluation again", EVALUATION))


def steps_of(size: Size) -> list[Step]:
    scores = "second" if size.images else "scores"
    evaluated = [Step(EVALUATED[0].name, EVALUATION, before=scores), EVALUATED[1]] if size.evaluated else []
    images = WITH_IMAGES if size.evaluated else WITH_IMAGES[:1]
    return [*LISTED, *(images if size.images else ()), *evaluated]
