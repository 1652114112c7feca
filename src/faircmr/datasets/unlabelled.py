"""The catalog's entry for a folder of scans that nobody has labelled."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Never

from kedro.io import AbstractDataset, DatasetError

from faircmr.core.cine import UnlabelledScans
from faircmr.core.naming import Names, name_subjects, naming_of
from faircmr.datasets.base import Previewed, no_paths_in_errors
from faircmr.datasets.key_table import updated_keys
from faircmr.sources.fingerprints import digest, file_state, located
from faircmr.sources.unlabelled import ImageFile, first_number, list_unlabelled, read_frames


class UnlabelledDataset(Previewed, AbstractDataset[Never, UnlabelledScans]):
    """Cines and single frames of a folder, named by study keys.

    Args:
        filepath: The folder.
        path: Its table of keys, ``01_raw/predict_key.csv``: the only file that holds source ids.
        names: How subjects are named: ``numbered``; ``source_ids``, for public data only; or ``{salt_file: <path>}``,
            pseudonyms that are the same in every study with the secret in this file.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    def __init__(
        self,
        filepath: str,
        path: str,
        *,
        names: Names = "numbered",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._root = Path(filepath)
        self._key_path = Path(path)
        self._naming = naming_of(names)
        self.metadata = metadata

    def load(self) -> UnlabelledScans:
        """List the subjects and give new ones their key; no image is opened."""
        files = self._files_by_key()
        start = first_number(files.values())
        return UnlabelledScans(
            fingerprints={key: _fingerprint(each, start) for key, each in files.items()},
            readers={key: partial(read_frames, each, start) for key, each in files.items()},
        )

    def save(self, data: Never) -> Never:
        """Refuse: scans are never written back."""
        raise DatasetError("unlabelled scans are read only")

    def files(self) -> list[Path]:
        """The table of keys; the scans are not the study's own."""
        return [self._key_path]

    def fingerprint(self) -> str:
        """Digest of keys, and of names, size and time of every scan; opens no image."""
        files = self._files_by_key()
        start = first_number(files.values())
        return digest({key: (_fingerprint(each, start), self._names(each)) for key, each in files.items()})

    def _files_by_key(self) -> dict[str, tuple[ImageFile, ...]]:
        with no_paths_in_errors("predict_root"):
            found = list_unlabelled(self._root)
            keys = self._updated_keys(found)
        by_key = {keys[source_id]: files for source_id, files in found.items()}
        return {key: by_key[key] for key in keys.values() if key in by_key}

    def _updated_keys(self, found: dict[str, tuple[ImageFile, ...]]) -> dict[str, str]:
        paths = {source_id: self._names(files)[0] for source_id, files in found.items()}
        keys = updated_keys(self._key_path, lambda known: name_subjects(known, paths, self._naming, "unlabelled"))
        return dict(zip(keys["source_id"], keys["subject_id"], strict=True))

    def _names(self, files: tuple[ImageFile, ...]) -> list[str]:
        return [located(file.path, self._root) for file in files]

    def _exists(self) -> bool:
        return self._root.is_dir()

    def _describe(self) -> dict[str, Any]:
        # no path: folders of patients' scans may be named after them
        return {}


def _fingerprint(files: tuple[ImageFile, ...], start: int) -> str:
    """Digest of one subject's files, and of the number that frames are counted from in their names."""
    # without paths: with them a short source id could be found by trying all
    return digest([start, [(file_state(file.path), file.phase, file.number) for file in files]])
