"""Job file of a fit: all settings that determine the weights of a network."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from faircmr.core import InvalidModelError, InvalidParameterError, Parameters, json_digest
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.localiser import Box
from faircmr.segmentation.network import Plans

Curve = Literal["restart", "continue"]
"""Learning rate of a stage: ``restart`` runs a full curve, ``continue`` its part of the whole schedule's curve."""


class Stage(Parameters):
    """Range of epochs of a schedule that a fit runs.

    Steps are numbered over the whole schedule, so that no two stages see the same batches.

    Attributes:
        first: First epoch, from 0.
        end: Epoch after the last one.
        learning_rate: Learning rate curve.
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
        """Epoch numbers within the whole schedule."""
        return range(self.first, self.end)


def learning_rate(epoch: int, training: TrainingParameters, stage: Stage) -> float:
    """Learning rate of an epoch; falls to zero at the end of the curve.

    Args:
        epoch: Within the whole schedule, from 0.
        training: The whole schedule.
        stage: Stage of the epoch.

    Source:
        nnU-Net's ``PolyLRScheduler``, stepped once per epoch.
    """
    start, end = (0, training.epochs) if stage.learning_rate == "continue" else (stage.first, stage.end)
    return float(training.learning_rate * (1 - (epoch - start) / (end - start)) ** training.poly_exponent)


NOT_FINGERPRINTED = frozenset({"name", "folder", "tensors", "code", "serves", "predicts"})
"""Fields of a job that do not affect its weights."""
CODE_SEPARATOR = " by "
"""Separates the two parts of a fingerprint: digest of the training, and digest of the code."""


def same_fit(recorded: str, expected: str) -> bool:
    """Whether a stored fingerprint matches the expected one; if that has no code part, any code matches."""
    training, _, code = expected.partition(CODE_SEPARATOR)
    return recorded == expected or (not code and recorded.partition(CODE_SEPARATOR)[0] == training)


def fingerprinted_fields(job: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a job's JSON that determine the weights.

    Paths and the number of devices are left out (docs/decisions/0008), and so is the code, which the fingerprint lists
    separately.
    """
    content = {name: value for name, value in job.items() if name not in NOT_FINGERPRINTED}
    if isinstance(training := content.get("training"), Mapping):
        content["training"] = {name: value for name, value in training.items() if name != "devices"}
    if isinstance(before := content.get("after"), Mapping):
        content["after"] = fingerprinted_fields(before)
    return content


class Component(Parameters):
    """A function or class, given by its dotted path, and additional keyword arguments.

    Attributes:
        path: E.g. ``faircmr.mitigation.sampling.stratified_batch_sampling``.
        parameters: Keyword arguments.
    """

    path: str
    parameters: dict[str, Any] = Field(default_factory=dict)

    def load(self) -> Any:
        """Import the function or class.

        Raises:
            InvalidParameterError: The path cannot be imported.
        """
        module, _, name = self.path.rpartition(".")
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            permitted = "the dotted path of a function or class"
            raise InvalidParameterError("component", self.path, permitted, "correct its spelling") from error


SEGMENTATION_OBJECTIVE = Component(path="faircmr.segmentation.training.losses.SegmentationObjective")
"""The default objective, which does not use keys of subjects."""


class FitJob(Parameters):
    """One fit.

    Attributes:
        name: Path below the strategy's models folder, e.g. ``seed-0-fold-1/shared``.
        folder: Folder of the fit, for checkpoints and weights.
        tensors: Folder of preprocessed subjects.
        training_subjects: Study keys, in a fixed order.
        validation_subjects: Study keys; may be empty.
        keys: Opaque key of each training subject for objectives; empty if the objective needs none, so that
            it cannot use the protected group.
        strata: Opaque key of each training subject for samplers; may be empty too.
        plans: Grid, patch, batch and network.
        training: Schedule.
        sampler: ``(keys, batch_size, seed, step) -> positions of training subjects``.
        objective: ``(plans, **parameters) -> torch module (heads, batch) -> loss``.
        rois: Region of each subject to crop its images to; full images for subjects without one.
        reduction: Tensor pixels per network pixel along each axis; above 1 for localisers.
        seed: Training seed.
        fold: Fold that the subjects come from, or ``None``.
        stage: Part of the schedule to run; the whole schedule without it.
        after: Finished fit whose weights it starts from.
        serves: Opaque key of the subjects that it predicts; ``None`` means all subjects.
        predicts: Whether it predicts, or only provides initial weights for other fits.
        code: Digest of the training code; if empty, a fit of any code version may be resumed.
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
    objective: Component = SEGMENTATION_OBJECTIVE
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
        """Key of each training subject, in order; all empty if the job has none."""
        return tuple(self.keys.get(subject_id, "") for subject_id in self.training_subjects)

    @property
    def subject_strata(self) -> tuple[str, ...]:
        """Stratum of each training subject, in order; all empty if the job has none."""
        return tuple(self.strata.get(subject_id, "") for subject_id in self.training_subjects)

    @property
    def effective_stage(self) -> Stage:
        """The stage to run; without one, a stage over the whole schedule."""
        return self.stage or Stage(end=self.training.epochs)

    @property
    def subjects(self) -> frozenset[str]:
        """All training and validation subjects of this fit and of the fits that it starts from."""
        before = self.after.subjects if self.after else frozenset()
        return before.union(self.training_subjects, self.validation_subjects)

    def fingerprint(self, tensors: Mapping[str, str]) -> str:
        """Digest of all settings that determine the weights, and the digest of the code; independent of paths.

        Args:
            tensors: Fingerprint of each preprocessed subject.
        """
        content = fingerprinted_fields(self.model_dump(mode="json"))
        content["tensors"] = [tensors.get(subject_id) for subject_id in sorted(self.subjects)]
        digest = json_digest(content, 16)
        return f"{digest}{CODE_SEPARATOR}{self.code}"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a job from its JSON file.

        Raises:
            InvalidModelError: The file is missing or invalid.
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
            raise ValueError(f"{len(shared)} subjects are in both training and validation: list each once")
        for name, labels in (("keys", self.keys), ("strata", self.strata)):
            unknown = set(labels) - set(self.training_subjects)
            missing = set(self.training_subjects) - set(labels)
            if labels and (unknown or missing):
                raise ValueError(
                    f"{name} lack {len(missing)} training subjects and contain {len(unknown)} other subjects: "
                    f"list all training subjects and no others, or leave {name} empty"
                )
        return self

    @model_validator(mode="after")
    def _stays_within_the_schedule(self) -> Self:
        if self.effective_stage.end > self.training.epochs:
            raise ValueError(
                f"stage ends at epoch {self.effective_stage.end} of {self.training.epochs}: end it earlier"
            )
        return self
