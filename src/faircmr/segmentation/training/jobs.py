"""One fit as a readable file: everything that determines a network's weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from faircmr.core import InvalidModelError, InvalidParameterError, Parameters
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.localiser import Box
from faircmr.segmentation.network import Plans

Curve = Literal["restart", "continue"]
"""Of the learning rate: a whole curve over the epochs of this stage, or its part of one over the whole schedule."""


class Stage(Parameters):
    """The epochs of a schedule that a fit runs, counted from its beginning.

    Steps count on from stage to stage, so that no stage sees the batches of another one again.

    Attributes:
        first: Epoch to begin with, from 0.
        end: Epoch before which it ends.
        learning_rate: Its curve.
    """

    first: int = Field(default=0, ge=0)
    end: int = Field(ge=1)
    learning_rate: Curve = "continue"

    @model_validator(mode="after")
    def _has_an_epoch(self) -> Self:
        if self.first >= self.end:
            raise ValueError(f"first is {self.first} and end is {self.end}: a stage has one epoch at least")
        return self

    @property
    def epochs(self) -> range:
        """Its epochs in the whole schedule."""
        return range(self.first, self.end)


def learning_rate(epoch: int, training: TrainingParameters, stage: Stage) -> float:
    """Learning rate of an epoch, falling to zero at the end of its curve.

    Args:
        epoch: Of the whole schedule, from 0.
        training: The whole schedule.
        stage: Part of it that the epoch belongs to.

    Source:
        nnU-Net's ``PolyLRScheduler``, stepped once an epoch.
    """
    start, end = (0, training.epochs) if stage.learning_rate == "continue" else (stage.first, stage.end)
    return float(training.learning_rate * (1 - (epoch - start) / (end - start)) ** training.poly_exponent)


NO_PART = frozenset({"name", "folder", "tensors", "code", "serves", "predicts"})
"""Of a job, what has no part in its weights."""
BY = " by "
"""Between the two halves of a fingerprint: what is trained, and the code that trains it."""


def same_fit(recorded: str, expected: str) -> bool:
    """Whether a fingerprint on disk is the expected one; without code in the expected one, by any code."""
    what, _, code = expected.partition(BY)
    return recorded == expected or (not code and recorded.partition(BY)[0] == what)


def identity(job: Mapping[str, Any]) -> dict[str, Any]:
    """What of a job's JSON determines the weights.

    Not where files lie, and not how many devices share the work (docs/decisions/0008); the code is kept apart.
    """
    content = {name: value for name, value in job.items() if name not in NO_PART}
    if isinstance(training := content.get("training"), Mapping):
        content["training"] = {name: value for name, value in training.items() if name != "devices"}
    if isinstance(before := content.get("after"), Mapping):
        content["after"] = identity(before)
    return content


class Component(Parameters):
    """A function or class by its dotted path, and what it is called with besides its inputs.

    Attributes:
        path: E.g. ``faircmr.mitigation.sampling.stratified_batch_sampling``.
        parameters: Keyword arguments.
    """

    path: str
    parameters: dict[str, Any] = Field(default_factory=dict)

    def load(self) -> Any:
        """The function or class itself.

        Raises:
            InvalidParameterError: Nothing can be imported under this path.
        """
        module, _, name = self.path.rpartition(".")
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            permitted = "the dotted path of a function or class"
            raise InvalidParameterError("component", self.path, permitted, "correct its spelling") from error


SEGMENTATION = Component(path="faircmr.segmentation.training.losses.SegmentationObjective")
"""The objective that knows nobody's key."""


class FitJob(Parameters):
    """One fit.

    Attributes:
        name: Place in the strategy's models folder, e.g. ``seed-0-fold-1/shared``.
        folder: The fit's own folder, for checkpoints and weights.
        tensors: Folder of preprocessed subjects.
        training_subjects: Study keys, in a fixed order.
        validation_subjects: Study keys; may be empty.
        keys: Opaque key of each training subject for objectives; empty where none is needed, so that
            nothing about a subject reaches a training that must not know it.
        strata: The same for samplers.
        plans: Grid, patch, batch and network.
        training: Schedule.
        sampler: ``(keys, batch_size, seed, step) -> positions of training subjects``.
        objective: ``(plans, **parameters) -> torch module (heads, batch) -> loss``.
        rois: Region of each subject that is cut out of its images; full images where there is none.
        reduction: Pixels of the tensors along one pixel that the network sees; a localiser's is above 1.
        seed: Training seed.
        fold: Fold that the subjects come from, or ``None``.
        stage: Part of the schedule that it runs; all of it where there is none.
        after: Fit whose weights it begins with; it must be finished.
        serves: Opaque key of the subjects that it predicts; ``None`` predicts everybody.
        predicts: Whether it predicts at all, or is there for others to begin with.
        code: Digest of the code that trains; empty where work of any code may be gone on with.
    """

    name: str
    folder: Path
    tensors: Path
    training_subjects: tuple[str, ...] = Field(min_length=1)
    validation_subjects: tuple[str, ...] = ()
    keys: dict[str, str] = Field(default_factory=dict)
    strata: dict[str, str] = Field(default_factory=dict)
    plans: Plans
    training: TrainingParameters
    sampler: Component
    objective: Component = SEGMENTATION
    rois: dict[str, Box] = Field(default_factory=dict)
    reduction: int = Field(default=1, ge=1)
    seed: int = 0
    fold: int | None = None
    stage: Stage | None = None
    after: FitJob | None = None
    serves: str | None = None
    predicts: bool = True
    code: str = ""

    @property
    def subject_keys(self) -> tuple[str, ...]:
        """Key of each training subject in order; all equal where the job names none."""
        return tuple(self.keys.get(subject_id, "") for subject_id in self.training_subjects)

    @property
    def subject_strata(self) -> tuple[str, ...]:
        """Stratum of each training subject in order; all equal where the job names none."""
        return tuple(self.strata.get(subject_id, "") for subject_id in self.training_subjects)

    @property
    def part(self) -> Stage:
        """The stage, also where it is the whole schedule."""
        return self.stage or Stage(end=self.training.epochs)

    @property
    def subjects(self) -> frozenset[str]:
        """Everybody who has a part in the weights, in this fit and in those before it."""
        before = self.after.subjects if self.after else frozenset()
        return before.union(self.training_subjects, self.validation_subjects)

    def fingerprint(self, tensors: Mapping[str, str]) -> str:
        """Digest of everything that determines the weights, wherever the files lie, and the code that trains.

        Args:
            tensors: Fingerprint of each preprocessed subject.
        """
        content = identity(self.model_dump(mode="json"))
        content["tensors"] = [tensors.get(subject_id) for subject_id in sorted(self.subjects)]
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
        return f"{digest}{BY}{self.code}"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a job from its JSON file.

        Raises:
            InvalidModelError: The file is missing or is no job.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            detail = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "not readable"
            raise InvalidModelError(path.name, detail, "a job as training writes it", "run training again") from error

    @model_validator(mode="after")
    def _divides_subjects(self) -> Self:
        shared = set(self.training_subjects) & set(self.validation_subjects)
        if shared:
            raise ValueError(f"{len(shared)} subjects are both in training and validation: list each once")
        for name, labels in (("keys", self.keys), ("strata", self.strata)):
            unknown = set(labels) - set(self.training_subjects)
            missing = set(self.training_subjects) - set(labels)
            if labels and (unknown or missing):
                raise ValueError(
                    f"{name} miss {len(missing)} training subjects and name {len(unknown)} others: "
                    "give every training subject one, or none"
                )
        return self

    @model_validator(mode="after")
    def _stays_within_the_schedule(self) -> Self:
        if self.part.end > self.training.epochs:
            raise ValueError(f"stage ends at epoch {self.part.end} of {self.training.epochs}: end it earlier")
        return self
