"""The preprocessed subjects: one safetensors file each, and a manifest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from faircmr.core import OutputError
from faircmr.core.host import map_in_order, worker_count, write_atomically
from faircmr.datasets.base import StudyDataset, publish, staged
from faircmr.segmentation.data import MANIFEST_NAME, SubjectTensors, TensorManifest, TensorStore, tensors_file_name


class TensorsDataset(StudyDataset[Iterable[SubjectTensors], TensorStore]):
    """Tensors of every subject, in a folder.

    A part stays as it is where the subject's fingerprint and the code do, and the file is whole; then
    its arrays are not looked at, and so not computed where they are made on demand.

    Args:
        filepath: The folder.
        workers: Subjects that are computed and written at the same time, and so in memory;
            ``None`` for as many as there are CPUs. It changes nothing in what is written.
        metadata: For tools such as Kedro-Viz; not used here.

    Attributes:
        code: Digest of the code that makes the tensors, set by the catalog before it saves; parts
            that other code has made are made anew. ``None`` keeps them.
    """

    code: str | None = None

    def __init__(self, filepath: str, workers: int | None = None, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(filepath, metadata)
        self._workers = worker_count(workers)

    def load(self) -> TensorStore:
        """Open the folder; arrays are read when they are asked for."""
        return TensorStore(self._filepath)

    def save(self, data: Iterable[SubjectTensors]) -> None:
        """Write the parts that have changed, remove those of subjects that are gone, then the manifest."""
        store = self._store()
        known, before = ({}, "") if store is None else (store.fingerprints, store.code)
        code = before if self.code is None else self.code
        unchanged = known if code == before else {}
        with staged(self._filepath) as aside:

            def write(subject: SubjectTensors) -> tuple[str, str]:
                name = tensors_file_name(subject.subject_id)
                same = unchanged.get(subject.subject_id) == subject.fingerprint
                if not (same and _is_whole(self._filepath / name)):
                    write_atomically(aside / name, _encode(subject))
                return subject.subject_id, subject.fingerprint

            fingerprints = dict(map_in_order(write, data, self._workers))
            gone = set(self._filepath.glob(tensors_file_name("*"))) - {
                self._filepath / tensors_file_name(one) for one in fingerprints
            }
            manifest = TensorManifest(fingerprints=fingerprints, code=code).model_dump_json(indent=1)
            publish(aside, self._filepath / MANIFEST_NAME, manifest.encode(), sorted(gone))

    def files(self) -> list[Path]:
        """The manifest and the parts that it lists."""
        store = self._store()
        parts = [] if store is None else [self._filepath / tensors_file_name(name) for name in store.fingerprints]
        return [self._filepath / MANIFEST_NAME, *parts]

    def _store(self) -> TensorStore | None:
        # not self.load(): Kedro wraps what that raises
        try:
            return TensorStore(self._filepath)
        except OutputError:
            return None


def _encode(subject: SubjectTensors) -> bytes:
    import numpy as np
    from safetensors.numpy import save

    content: bytes = save({name: np.ascontiguousarray(array) for name, array in subject.arrays.items()})
    return content


def _is_whole(part: Path) -> bool:
    from safetensors import SafetensorError, safe_open

    try:
        # opening compares the file's size with its header
        with safe_open(part, framework="np"):
            return True
    except (OSError, SafetensorError):
        return False
