"""What is fuzzed: every way in which files of other people's making enter a study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faircmr.core.scans import ScanFiles, Structure
from tests.fuzz import seeds
from tests.fuzz.variants import Tree
from tests.sources.dicom.written import NATIVE

if TYPE_CHECKING:
    from kedro.io import AbstractDataset

Step = Callable[[], object]
NIFTI, TABLES = (".nii", ".nii.gz"), (".csv", ".parquet")
ACDC = {1: Structure.RVBP, 2: Structure.LVM, 3: Structure.LVBP}


@dataclass(frozen=True)
class Reader:
    """One of them.

    Attributes:
        name: As the command line and the table have it.
        seeds: Valid folders.
        read: Reads a folder, and may write into a second one. It gives steps to be called, each of which may refuse by
            itself. What they return in tuples and lists would be told to somebody.
        share: Of the inputs of a run, beside the shares of the others; what is read slowly gets fewer.
    """

    name: str
    seeds: Sequence[Callable[[], Tree]]
    read: Callable[[Path, Path], Iterable[Step]]
    share: int = 24


def _archive(root: Path, own: Path) -> Iterator[Step]:
    from faircmr.sources import Archive

    for path in _files(root):
        with Archive(path) as archive:
            yield from (partial(archive.head, name, 300) for name in archive.names)
            yield from (partial(archive.read, name) for name in archive.names)


def _dicom_archive(root: Path, own: Path) -> Iterator[Step]:
    from faircmr.sources import Archive
    from faircmr.sources.dicom import read_short_axis

    for path in _files(root):
        with Archive(path) as archive:
            cine = read_short_axis(archive, ())
            yield lambda cine=cine: (cine.problems, cine.geometry)
            yield from (partial(cine.frame, index) for index in range(cine.phases))


def _dicom_files(root: Path, own: Path) -> Iterator[Step]:
    from faircmr.sources import write_cine
    from faircmr.sources.dicom import read_files

    cine = read_files(_files(root))
    yield lambda: (cine.problems, cine.geometry)
    yield partial(write_cine, own / "sa.nii.gz", cine)


def _cvi42(root: Path, own: Path) -> Iterator[Step]:
    from faircmr.sources.ukbb import draw_labels, read_annotation
    from tests.sources.dicom.written import uid

    uids = np.array([[uid(place, phase) for phase in range(seeds.PHASES)] for place in range(seeds.SLICES)])
    for path in _files(root):
        annotation = read_annotation(path)
        yield lambda annotation=annotation: draw_labels(annotation, uids, (seeds.ROWS, seeds.COLUMNS)).problems


def _contour_text(root: Path, own: Path) -> Iterator[Step]:
    from faircmr.sources import crosses_itself, fill, is_open, reaches_outside, read_points

    shape = (seeds.ROWS, seeds.COLUMNS)
    for path in _files(root):
        points = read_points(path.read_text(encoding="latin-1"))
        yield partial(fill, points, shape)
        yield lambda points=points: (crosses_itself(points, shape), is_open(points), reaches_outside(points, shape))


def _scan(root: Path, own: Path) -> Iterator[Step]:
    from faircmr.sources import read_scan, write_image

    image, *labels = _files(root) or [root / GONE]
    scan = read_scan(ScanFiles(image, labels[0] if labels else None), ACDC)
    yield lambda: scan.geometry
    yield partial(write_image, own / "again.nii.gz", scan.image, scan.geometry)


def _cine(root: Path, own: Path) -> Iterator[Step]:
    from faircmr.sources import read_cine, read_scan

    image, *labels = _files(root) or [root / GONE]
    yield lambda: [frame.geometry for _, frame in read_cine(image)]
    yield from (partial(read_scan, ScanFiles(image, labels[0] if labels else None, frame), ACDC) for frame in (0, 1))


def _masks(root: Path, own: Path) -> Iterator[Step]:
    """From the catalog's entry to scores."""
    from faircmr.datasets import MaskPairsDataset
    from faircmr.fairness.audit import MaskLabels
    from faircmr.pipelines.audit import score_masks

    dataset = MaskPairsDataset(str(root / "found"), str(root / "drawn"))
    yield lambda: len(dataset.fingerprint())
    pairs = _loaded(dataset)
    yield lambda: list(map(str, pairs.omissions))
    yield lambda: list(score_masks(pairs, MaskLabels())[1].notes)


def _audit(root: Path, own: Path) -> Iterator[Step]:
    """From the catalog's entries to tables and notes; the page is drawn of these alone."""
    from faircmr.datasets import UserScoresDataset, UserTableDataset
    from faircmr.fairness.audit import AuditColumns, AuditParameters, audit

    asked = AuditParameters(attributes=("sex",), covariates=("age", "site"), draws=100)
    scores = _loaded(UserScoresDataset(_path_of(root, "scores"), "audit_scores"))
    people = _loaded(UserTableDataset(_path_of(root, "people"), "audit_demographics"))
    yield lambda: list(audit(scores, people, asked, AuditColumns()).notes)


def _path_of(root: Path, stem: str) -> str:
    """The first file of this name, whatever its suffix."""
    named = [path for path in sorted(root.iterdir()) if path.name.startswith(stem)]
    return str(named[0] if named else root / f"{stem}.csv")


def _cohort(source: str, root: Path, own: Path, parameters: Mapping[str, object] | None = None) -> Iterator[Step]:
    """The whole way from the catalog's entry to every scan."""
    from faircmr.datasets import CohortDataset, read_keys

    dataset = CohortDataset(source, str(root), str(own / "key.csv"), parameters=parameters, workers=1)
    cohort = _loaded(dataset)
    yield lambda: len(read_keys(own / "key.csv"))
    yield lambda: list(cohort.rejected["reason"])
    yield from (partial(cohort.read, *key) for key in cohort.files)


def _nnunet_splits(root: Path, own: Path) -> Iterator[Step]:
    import pandas as pd

    from faircmr.sources.nnunet import NnunetParameters, study_splits

    key = pd.DataFrame({"subject_id": ["sub-0001", "sub-0002"], "source_id": list(seeds.PEOPLE["subject_id"])})
    yield lambda: len(study_splits(root / "splits_final.json", key, NnunetParameters().case_pattern))
    yield from _cohort("faircmr.sources.nnunet.source.NnunetRaw", root, own)


def _unlabelled(root: Path, own: Path) -> Iterator[Step]:
    from faircmr.datasets import UnlabelledDataset

    dataset = UnlabelledDataset(str(root), str(own / "predict_key.csv"))
    yield lambda: len(dataset.fingerprint())
    scans = _loaded(dataset)
    yield lambda: [one.reason for one in scans.left_out]
    for subject_id in scans.readers:
        yield lambda subject_id=subject_id: [frame.scan.geometry for frame in scans.frames(subject_id)]


def _ukbb_tables(root: Path, own: Path) -> Iterator[Step]:
    from faircmr.sources.ukbb import find_tables, read_tables

    demographics = read_tables(find_tables(root))
    yield lambda: list(demographics.rejected.values())


def _user_table(root: Path, own: Path) -> Iterator[Step]:
    from faircmr.core.user_input import identifier_text, infer_column_types, read_user_table, unreadable_numbers
    from faircmr.sources import index_by_subject

    for path in _files(root):
        table = read_user_table(path, "scores")
        yield lambda table=table: len(infer_column_types(table, ["subject_id"]))
        yield lambda table=table: [unreadable_numbers(table[name]) is None for name in table]
        yield lambda table=table: len(identifier_text(table.iloc[:, 0]))
        yield lambda table=table: len(index_by_subject(table, "subject_id", "scores"))


def _loaded(dataset: AbstractDataset[Any, Any]) -> Any:
    from kedro.io import DatasetError

    try:
        return dataset.load()
    except DatasetError as error:
        wrapped = error.__cause__ or error
    # as a session does with what Kedro has wrapped
    raise wrapped


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


GONE = "gone.nii.gz"
"""What a reader of one file is asked for where nothing but a broken link is left."""
_UKBB = "faircmr.sources.ukbb.Ukbb"
READERS: Mapping[str, Reader] = {
    reader.name: reader
    for reader in (
        Reader("archives", [seeds.archive], _archive),
        Reader("dicom archives", [seeds.dicom_archive], _dicom_archive),
        Reader("dicom files", [partial(seeds.dicom_files, syntax) for syntax in NATIVE], _dicom_files),
        Reader("cvi42 workspaces", [seeds.contours], _cvi42),
        Reader("contour texts", [seeds.contour_text], _contour_text),
        Reader(
            "NIfTI scans", [partial(seeds.scan, ".nii"), partial(seeds.scan, ".nii.gz"), seeds.scan_in_space], _scan
        ),
        Reader(
            "NIfTI cines", [partial(seeds.cine, ".nii"), partial(seeds.cine, ".nii.gz"), seeds.cine_in_space], _cine
        ),
        Reader("folders of masks", [seeds.masks, seeds.masks_in_space], _masks, 12),
        Reader(
            "audits",
            [
                *(partial(seeds.audited, suffix) for suffix in TABLES),
                *(seeds.audited_by_index, partial(seeds.summary, 1), partial(seeds.summary, 2)),
            ],
            _audit,
            4,
        ),
        Reader("ACDC", [seeds.acdc], partial(_cohort, "faircmr.sources.acdc.Acdc"), 4),
        Reader("M&Ms", [seeds.mnms], partial(_cohort, "faircmr.sources.mnms.Mnms"), 4),
        Reader(
            "nnU-Net",
            [
                *(seeds.nnunet, partial(seeds.nnunet, ("frame01", "frame12"))),
                *(seeds.nnunet_of_v1, seeds.nnunet_with_ignore),
            ],
            _nnunet_splits,
            4,
        ),
        Reader("Sunnybrook", [seeds.sunnybrook], partial(_cohort, "faircmr.sources.sunnybrook.Sunnybrook"), 2),
        Reader("unlabelled scans", [seeds.unlabelled, seeds.views], _unlabelled, 6),
        Reader("UK Biobank archives", [seeds.biobank], partial(_cohort, _UKBB, parameters={"workers": 1}), 2),
        Reader("UK Biobank NIfTI", [seeds.biobank_nifti], partial(_cohort, _UKBB, parameters={"workers": 1}), 2),
        Reader(
            "UK Biobank tables",
            [
                partial(seeds.biobank_table, "rap", ",", "utf-8-sig"),
                partial(seeds.biobank_table, "csv", ";", "latin-1"),
                partial(seeds.biobank_table, "participant", ",", "utf-16"),
                seeds.compressed_table,
            ],
            _ukbb_tables,
            3,
        ),
        Reader(
            "user tables",
            [seeds.people_csv, seeds.people_parquet, *(partial(seeds.audited, suffix) for suffix in TABLES)],
            _user_table,
        ),
    )
}
