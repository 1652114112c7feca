"""The state of a fit after an epoch, or after the step at which it was stopped, so that it goes on exactly.

A checkpoint is one safetensors file: tensors of the state, and its record as text in the header. It
is written whole or not at all, and the one before is kept until the next is written.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from torch import Tensor

from faircmr.core.errors import InvalidModelError
from faircmr.core.files import remove
from faircmr.core.parameters import Parameters
from faircmr.segmentation.jobs import same_fit
from faircmr.segmentation.models import EpochRecord
from faircmr.segmentation.weights import load_metadata, load_tensors, save_tensors

KEPT = 2
PATTERN = "checkpoint-*.safetensors"

logger = logging.getLogger(__name__)


class Progress(Parameters):
    """How far a fit has come.

    Attributes:
        fingerprint: Of everything that determines the weights.
        history: One record a finished epoch.
        losses: One a step of the epoch after those, as far as it has come.
    """

    fingerprint: str
    history: tuple[EpochRecord, ...] = ()
    losses: tuple[float, ...] = ()

    @property
    def place(self) -> str:
        """Number of finished epochs, and of steps in the next one if there are any; sorts as training goes on."""
        steps = f"-{len(self.losses):06d}" if self.losses else ""
        return f"{len(self.history):06d}{steps}"


@dataclass(frozen=True)
class Checkpoint:
    """A state to go on from."""

    progress: Progress
    tensors: Mapping[str, Tensor]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the state after an epoch or a step, then remove all but the two newest.

    Raises:
        OutputError: The folder cannot be written; older checkpoints are untouched.
    """
    name = f"checkpoint-{checkpoint.progress.place}.safetensors"
    save_tensors(folder / name, checkpoint.tensors, {"progress": checkpoint.progress.model_dump_json()})
    for path in _newest_first(folder)[KEPT:]:
        remove(path)


def latest_checkpoint(folder: Path, fingerprint: str) -> Checkpoint | None:
    """Newest state of this very fit that can be read.

    Args:
        folder: The fit's folder; need not exist.
        fingerprint: Of the fit to go on with.

    Returns:
        The state, or ``None`` where there is none. A truncated file is passed over with a warning;
        states of another fit (other plans, parameters, subjects, seed or code) are not used.
    """
    for path in _newest_first(folder):
        checkpoint = _read(path)
        if checkpoint is not None and same_fit(checkpoint.progress.fingerprint, fingerprint):
            return checkpoint
    return None


def recorded_fingerprint(folder: Path) -> str | None:
    """Fingerprint of the newest state that can be read, of whatever fit; ``None`` where there is none."""
    for path in _newest_first(folder):
        with suppress(InvalidModelError, ValidationError):
            return _progress(load_metadata(path)).fingerprint
    return None


def clear_checkpoints(folder: Path) -> None:
    """Remove every checkpoint, and what a killed process left half-written beside them."""
    for path in (*_newest_first(folder), *folder.glob(f".*-{PATTERN}")):
        remove(path)


def _newest_first(folder: Path) -> list[Path]:
    # without the suffix: a step comes after the epoch that it begins with
    return sorted(folder.glob(PATTERN), key=lambda path: path.stem, reverse=True)


def _read(path: Path) -> Checkpoint | None:
    try:
        tensors, metadata = load_tensors(path)
        return Checkpoint(_progress(metadata), tensors)
    except (InvalidModelError, ValidationError):
        logger.warning("%s is truncated or of another version: the checkpoint before it is used", path.name)
        return None


def _progress(metadata: Mapping[str, str]) -> Progress:
    return Progress.model_validate_json(metadata.get("progress", ""))
