"""Predicted label images as NIfTI on the source's own grid, of a study and of unlabelled scans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from faircmr.core import InvalidScanError, OutputError, Parameters
from faircmr.core.host import remove_durably, write_atomically
from faircmr.core.scans import (
    ENSEMBLE,
    CinePredictions,
    FrameLabel,
    PendingSubject,
    Phase,
    Prediction,
    PredictionKey,
    Predictions,
    SavedFrame,
    SubjectRecord,
    run_name,
)
from faircmr.datasets.base import StudyDataset, publish, staged
from faircmr.sources import read_label, write_label

MANIFEST_NAME = "predictions.json"
RUNS = ("seed-*", f"{ENSEMBLE}*")
"""Folders of single seeds, and of all seeds together."""
REDO = "delete predictions.json and run the strategy's pipeline again"


class PredictionEntry(Parameters):
    """One prediction in the manifest, and the model that made it."""

    seed: int | None
    fold: int | None
    subject_id: str
    phase: Phase
    model: str = "shared"

    @property
    def key(self) -> PredictionKey:
        """Name of the prediction."""
        return PredictionKey(self.seed, self.fold, self.subject_id, self.phase)


class PredictionManifest(Parameters):
    """Every prediction of a strategy, in the order in which it was made."""

    predictions: tuple[PredictionEntry, ...]


def prediction_path(key: PredictionKey) -> Path:
    """Where a prediction lies in the folder of its strategy."""
    return Path(run_name(key.seed, key.fold), "predictions", f"{key.subject_id}_{key.phase}.nii.gz")


class StoredPredictions(Mapping[PredictionKey, Prediction]):
    """Predictions of one strategy; each access reads one file.

    Args:
        folder: The strategy's folder.
        entries: What it holds.
    """

    def __init__(self, folder: Path, entries: Iterable[PredictionEntry]) -> None:
        self._folder = folder
        self._models = {entry.key: entry.model for entry in entries}

    def __getitem__(self, key: PredictionKey) -> Prediction:
        if key not in self._models:
            raise KeyError(key)
        try:
            label, geometry = read_label(self._folder / prediction_path(key))
        except InvalidScanError as error:
            raise OutputError(
                f"prediction of {key.subject_id} {key.phase}", error.value, error.permitted, REDO
            ) from None
        return Prediction(key.subject_id, key.phase, key.seed, key.fold, label, geometry, self._models[key])

    def __iter__(self) -> Iterator[PredictionKey]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} predictions)"


class PredictionsDataset(StudyDataset[Iterable[Prediction], Predictions]):
    """Predictions of one strategy, below ``07_model_output/<strategy>``."""

    def load(self) -> Predictions:
        """List the predictions; each is read when it is asked for.

        Raises:
            OutputError: The manifest is missing or damaged.
        """
        return StoredPredictions(self._filepath, self._entries())

    def save(self, data: Iterable[Prediction]) -> None:
        """Write every prediction, remove those that are no more, then the manifest."""
        known = {path for who in RUNS for path in self._filepath.glob(f"{who}/predictions/*.nii.gz")}
        entries: list[PredictionEntry] = []
        with staged(self._filepath) as aside:
            for prediction in data:
                write_label(aside / prediction_path(prediction.key), prediction.label, prediction.geometry)
                entries.append(PredictionEntry(**prediction.key._asdict(), model=prediction.model))
            gone = known - {self._filepath / prediction_path(entry.key) for entry in entries}
            manifest = PredictionManifest(predictions=tuple(entries)).model_dump_json(indent=1)
            publish(aside, self._filepath / MANIFEST_NAME, manifest.encode(), sorted(gone))

    def files(self) -> list[Path]:
        """The manifest and the images that it lists."""
        return [self._filepath / MANIFEST_NAME, *self._paths()]

    def _paths(self) -> list[Path]:
        try:
            return [self._filepath / prediction_path(entry.key) for entry in self._entries()]
        except OutputError:
            return []

    def _entries(self) -> tuple[PredictionEntry, ...]:
        try:
            manifest = PredictionManifest.model_validate_json((self._filepath / MANIFEST_NAME).read_bytes())
        except (OSError, ValidationError):
            raise OutputError(MANIFEST_NAME, "missing or damaged", "the list of predictions", REDO) from None
        return manifest.predictions


class OptionalPredictionsDataset(PredictionsDataset):
    """Predictions that need not be there: loading gives none, existing stays truthful."""

    def load(self) -> Predictions:
        """List the predictions; none where there is no manifest.

        Raises:
            OutputError: The manifest is damaged.
        """
        return super().load() if (self._filepath / MANIFEST_NAME).exists() else StoredPredictions(self._filepath, ())


PARTS = "predictions"
REDO_PREDICT = "delete predictions.json and run predict again"


class StoredSubject(Parameters):
    """What lies on disk of one subject, written after its label images.

    Attributes:
        record: What was found.
        fingerprint: What it was made from.
        code: Digest of the code that made it.
    """

    record: SubjectRecord
    fingerprint: str
    code: str

    def images(self) -> dict[SavedFrame, Path]:
        """Files below the folder, in the order of the record."""
        frames = [self.record.frames[place] for place in self.record.saved]
        keys = [SavedFrame(self.record.subject_id, frame.name) for frame in frames]
        return {key: Path(PARTS, f"{'_'.join(filter(None, key))}.nii.gz") for key in keys}

    def files(self) -> list[Path]:
        """Images and record, below the folder."""
        return [*self.images().values(), record_path(self.record.subject_id)]


class PredictedSubjects(Parameters):
    """The manifest: study keys in order."""

    subjects: tuple[str, ...]


def record_path(subject_id: str) -> Path:
    """Where the record of a subject lies below the folder."""
    return Path(PARTS, f"{subject_id}.json")


class StoredCinePredictions(Mapping[SavedFrame, FrameLabel]):
    """Label images of a folder's subjects; each access reads one file.

    Args:
        folder: The folder of the predictions.
        subjects: What it holds.
    """

    def __init__(self, folder: Path, subjects: Iterable[StoredSubject]) -> None:
        self._folder = folder
        stored = list(subjects)
        self.records = {one.record.subject_id: one.record for one in stored}
        self._paths = {key: path for one in stored for key, path in one.images().items()}

    def __getitem__(self, key: SavedFrame) -> FrameLabel:
        try:
            return FrameLabel(*read_label(self._folder / self._paths[key]))
        except InvalidScanError as error:
            raise OutputError(f"prediction of {' '.join(key)}", error.value, error.permitted, REDO_PREDICT) from None

    def __iter__(self) -> Iterator[SavedFrame]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.records)} subjects, {len(self)} label images)"


class CinePredictionsDataset(StudyDataset[Iterable[PendingSubject], CinePredictions]):
    """Predictions of unlabelled scans by one strategy, below ``07_model_output/predict/<strategy>``.

    A subject stays as it is where its fingerprint and the code do, and its files are whole; then it is
    not segmented. Each is written as soon as it is segmented: a run that is cut off goes on from there.

    Attributes:
        code: Digest of the code that segments, set by the catalog before it saves; subjects that other
            code has segmented are segmented anew. ``None`` keeps them.
    """

    code: str | None = None

    def load(self) -> CinePredictions:
        """Read the records; each label image is read when it is asked for.

        Raises:
            OutputError: The manifest or a record is missing or damaged.
        """
        return StoredCinePredictions(self._filepath, self._stored())

    def save(self, data: Iterable[PendingSubject]) -> None:
        """Segment and write the subjects that have changed, remove those that are gone, then write the manifest."""
        remove_durably(self._filepath / MANIFEST_NAME)
        files: set[Path] = set()
        subjects = []
        for subject in data:
            files.update(self._kept_or_new(subject).files())
            subjects.append(subject.subject_id)
        for path in (self._filepath / PARTS).glob("*"):
            if path.relative_to(self._filepath) not in files:
                remove_durably(path)
        manifest = PredictedSubjects(subjects=tuple(subjects))
        write_atomically(self._filepath / MANIFEST_NAME, manifest.model_dump_json(indent=1).encode())

    def files(self) -> list[Path]:
        """The manifest, and records and label images of the subjects that it lists."""
        manifest = self._filepath / MANIFEST_NAME
        try:
            return [manifest, *(self._filepath / file for one in self._stored() for file in one.files())]
        except OutputError:
            return [manifest]

    def _kept_or_new(self, subject: PendingSubject) -> StoredSubject:
        known = self._read(subject.subject_id)
        same = known is not None and known.fingerprint == subject.fingerprint and self.code in {None, known.code}
        # what could not be used may only have been out of reach for a while
        if known is not None and same and not known.record.problem and self._is_whole(known):
            return known
        remove_durably(self._filepath / record_path(subject.subject_id))
        segmented = subject.segment()
        new = StoredSubject(record=segmented.record, fingerprint=subject.fingerprint, code=self.code or "")
        for path, (label, geometry) in zip(new.images().values(), segmented.labels, strict=True):
            write_label(self._filepath / path, label, geometry)
        write_atomically(self._filepath / record_path(subject.subject_id), new.model_dump_json(indent=1).encode())
        return new

    def _is_whole(self, subject: StoredSubject) -> bool:
        try:
            for path in subject.images().values():
                read_label(self._filepath / path)
        except InvalidScanError:
            return False
        return True

    def _stored(self) -> list[StoredSubject]:
        try:
            manifest = PredictedSubjects.model_validate_json((self._filepath / MANIFEST_NAME).read_bytes())
        except (OSError, ValidationError):
            raise OutputError(MANIFEST_NAME, "missing or damaged", "the list of subjects", REDO_PREDICT) from None
        found = [self._read(subject_id) for subject_id in manifest.subjects]
        stored = [one for one in found if one is not None]
        if len(stored) < len(found):
            raise OutputError(
                MANIFEST_NAME, f"{len(found) - len(stored)} records are gone", "all of them", REDO_PREDICT
            )
        return stored

    def _read(self, subject_id: str) -> StoredSubject | None:
        try:
            return StoredSubject.model_validate_json((self._filepath / record_path(subject_id)).read_bytes())
        except (OSError, ValidationError):
            return None
