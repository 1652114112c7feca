"""Data set that writes and reads a cohort in the raw format of nnU-Net."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from faircmr.core import InvalidParameterError, NotPermittedError
from faircmr.core.host import write_atomically
from faircmr.core.scans import Cohort
from faircmr.core.study import keep_source_ids
from faircmr.core.user_input import nnunet_dataset_name
from faircmr.datasets.base import StudyDataset, publish, staged
from faircmr.sources import build_cohort, first_paths, write_image, write_label
from faircmr.sources.nnunet import (
    CHANNEL,
    DESCRIPTION,
    PARTS,
    SPLITS,
    NnunetCase,
    NnunetExport,
    NnunetParameters,
    NnunetRaw,
    encoded_folds,
)

ENDING = ".nii.gz"
STUDY_SPLITS, OMISSIONS = "splits.csv", "omissions.csv"
"""Next to what nnU-Net reads: the study's own splits of the exported subjects, and counts of what is left out."""

_TABLES = (NnunetParameters().demographics, STUDY_SPLITS, OMISSIONS)


class NnunetRawDataset(StudyDataset[NnunetExport, Cohort]):
    """A raw data set of nnU-Net, in the folder ``Dataset<id>_<name>``; subjects go by their study keys."""

    def load(self) -> Cohort:
        """The data set as a cohort; no image is opened.

        Raises:
            InvalidCohortError: It is missing or damaged.
        """
        source = NnunetRaw(self._filepath, NnunetParameters())
        source.prepare(self._filepath)
        return build_cohort(
            source, keep_source_ids(first_paths(source.scan_files(), source.rejected(), self._filepath))
        )

    def save(self, data: NnunetExport) -> None:
        """Write every scan, folds and tables, remove scans that are no more, then ``dataset.json``.

        Raises:
            InvalidParameterError: nnU-Net would not take the folder's name.
            InvalidScanError: A scan cannot be read; the data set stays as it was.
        """
        try:
            nnunet_dataset_name(self._filepath.name)
        except NotPermittedError as error:
            raise InvalidParameterError("nnunet_dataset", repr(self._filepath.name), str(error), error.remedy) from None
        known = set(self._scans())
        with staged(self._filepath) as aside:
            written = {self._filepath / path for case in data.cases for path in _write(aside, case)}
            write_atomically(aside / SPLITS, encoded_folds(data.folds))
            for name, table in zip(_TABLES, (data.people, data.splits, data.omissions), strict=True):
                write_atomically(aside / name, table.to_csv(index=False).encode())
            publish(aside, self._filepath / DESCRIPTION, data.description(), sorted(known - written))

    def files(self) -> list[Path]:
        """Description, folds, tables, and every image and label."""
        return [*(self._filepath / name for name in (DESCRIPTION, SPLITS, *_TABLES)), *self._scans()]

    def _scans(self) -> list[Path]:
        folders = [f"{kind}{part}" for kind in ("images", "labels") for part in PARTS]
        return sorted(path for folder in folders for path in self._filepath.glob(f"{folder}/*{ENDING}"))


def _write(folder: Path, case: NnunetCase) -> Iterator[Path]:
    """Write one scan; gives the places of its files below the folder."""
    scan = case.read()
    image = Path(f"images{case.part}", f"{case.name}{CHANNEL}{ENDING}")
    write_image(folder / image, scan.image, scan.geometry)
    yield image
    if scan.label is not None:
        label = Path(f"labels{case.part}", f"{case.name}{ENDING}")
        write_label(folder / label, scan.label, scan.geometry)
        yield label
