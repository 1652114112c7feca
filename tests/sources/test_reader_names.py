"""Every reader finds the same files by the same rules: each reader is tried with each form that files come in."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from faircmr.core import InvalidCohortError, InvalidScanError, Omission
from faircmr.core.scans import Phase, ScanFiles
from faircmr.sources import pair_masks, read_scan
from faircmr.sources.acdc import Acdc
from faircmr.sources.base import NoParameters
from faircmr.sources.mnms import Mnms
from faircmr.sources.nnunet import NnunetParameters, NnunetRaw, read_folds
from faircmr.sources.sunnybrook import find_files as find_sunnybrook
from faircmr.sources.sunnybrook import read_patients
from faircmr.sources.ukbb import find_files as find_ukbb
from faircmr.sources.ukbb import find_tables

SUFFIXES = (".nii.gz", ".zip", ".csv.gz", ".csv", ".tsv", ".dcm", ".txt", ".cfg", ".json")
IDS = ("7000001", "7000002", "7000003")
DESCRIPTION = {"channel_names": {"0": "cine"}, "labels": {"background": 0, "LV": 1}, "file_ending": ".nii.gz"}
Found = Mapping[str, tuple[Path, ...]]
"""Files by what they are of."""


@dataclass(frozen=True)
class Reader:
    """One way to list a folder.

    Attributes:
        files: Names of empty files below the root, and contents of those that are read.
        found: Lists a folder.
        nifti: Whether its scans are NIfTI.
    """

    files: Callable[[], Mapping[str, str]]
    found: Callable[[Path], tuple[Found, Sequence[Omission]]]
    nifti: bool = True

    def write(self, root: Path) -> None:
        for name, content in self.files().items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)


def paths(files: ScanFiles) -> tuple[Path, ...]:
    return (files.image,) if files.label is None else (files.image, files.label)


def of_source(kind: type[Acdc | Mnms]) -> Callable[[Path], tuple[Found, Sequence[Omission]]]:
    def found(root: Path) -> tuple[Found, Sequence[Omission]]:
        source = kind(root, NoParameters())
        source.prepare(root / "own")
        files = {f"{name} {phase}": paths(scan) for (name, phase), scan in source.scan_files().items()}
        tables = {"table": tuple(source.attribute_files())} if kind is Mnms else {}
        source.attributes()
        return {**files, **tables}, source.omissions()

    return found


def of_nnunet(root: Path) -> tuple[Found, Sequence[Omission]]:
    source = NnunetRaw(root, NnunetParameters())
    source.prepare(root / "own")
    files = {f"{name} {phase}": paths(scan) for (name, phase), scan in source.scan_files().items()}
    source.attributes()
    return {**files, "tables": tuple(source.attribute_files())}, source.omissions()


def of_ukbb(root: Path) -> tuple[Found, Sequence[Omission]]:
    found = find_ukbb(root)
    scans = {f"{eid} {phase}": paths(scan) for eid, phases in found.scans.items() for phase, scan in phases.items()}
    archives = {
        f"{eid} {what}": (path,) for what in ("images", "contours") for eid, path in getattr(found, what).items()
    }
    assert find_tables(root), "the table is found"
    return {**scans, **archives, "tables": find_tables(root)}, found.omissions()


def of_sunnybrook(root: Path) -> tuple[Found, Sequence[Omission]]:
    found = find_sunnybrook(root, read_patients(root))
    files = {
        subject: (*one.contours, *(path for series in one.series for _, path in sorted(series.items())))
        for subject, one in found.subjects.items()
    }
    return files, found.unlisted


def of_masks(root: Path) -> tuple[Found, Sequence[Omission]]:
    pairs = pair_masks(root / "found", root / "drawn")
    return dict.fromkeys(pairs.readers, ()), pairs.omissions


def acdc() -> dict[str, str]:
    suffixes = ("frame01", "frame01_gt", "frame05", "frame05_gt")
    scans = {f"training/{name}/{name}_{suffix}.nii.gz": "" for name in IDS for suffix in suffixes}
    infos = {f"training/{name}/Info.cfg": "ED: 1\nES: 5\nGroup: DCM\nHeight: 180\nWeight: 80\n" for name in IDS}
    return {**scans, **infos}


def mnms() -> dict[str, str]:
    table = "External code,VendorName,ED,ES,Sex\n" + "".join(f"{name},Siemens,0,2,F\n" for name in IDS)
    scans = {f"Training/Labeled/{name}/{name}_{suffix}.nii.gz": "" for name in IDS for suffix in ("sa", "sa_gt")}
    return {**scans, "information.csv": table}


def mnms_2() -> dict[str, str]:
    table = "SUBJECT_CODE,DISEASE,VENDOR,SCANNER,FIELD\n1,NOR,SIEMENS,Avanto,1.5\n20,HCM,SIEMENS,Avanto,1.5\n,,,,\n"
    views = [f"{view}_{phase}{label}" for view in ("SA", "LA") for phase in Phase for label in ("", "_gt")]
    suffixes = (*views, "SA_CINE", "LA_CINE")
    scans = {f"dataset/{name}/{name}_{suffix}.nii.gz": "" for name in ("001", "020") for suffix in suffixes}
    return {**scans, "dataset_information.csv": table}


def nnunet() -> dict[str, str]:
    cases = [f"{name}_{phase}" for name in IDS for phase in Phase]
    root = "Dataset042_Heart"
    scans = {
        f"{root}/{folder.format(case)}": ""
        for case in cases
        for folder in ("imagesTr/{}_0000.nii.gz", "labelsTr/{}.nii.gz")
    }
    table = "subject_id,sex\n" + "".join(f"{name},F\n" for name in IDS)
    return {**scans, f"{root}/dataset.json": json.dumps(DESCRIPTION), f"{root}/demographics.csv": table}


UKBB_TABLE = "eid,p31,p21000_i0\n" + "".join(f"{eid},1,1001\n" for eid in IDS)


def ukbb_nifti() -> dict[str, str]:
    scans = {f"nifti/{eid}/{kind}sa_{phase}.nii.gz": "" for eid in IDS for phase in Phase for kind in ("", "label_")}
    return {**scans, "people.csv": UKBB_TABLE}


def ukbb_archives() -> dict[str, str]:
    archives = {f"bulk/{eid[-2:]}/{eid}_{kind}.zip": "" for eid in IDS for kind in ("20209_2_0", "cvi42")}
    return {**archives, "tables/people.csv": UKBB_TABLE}


def sunnybrook() -> dict[str, str]:
    originals = ("SC-HF-I-1", "SC-N-2", "SC-HYP-3")
    links = dict(zip(("SCD0000101", "SCD0000202", "SCD0000303"), originals, strict=True))
    images = {f"SCD_IMAGES/{one}/CINESAX_300/IM-0003-{number:04}.dcm": "" for one in links for number in (1, 2)}
    contours = {
        f"contours/{one}/IRCCI-expert/IM-0001-0001-{side}contour-manual.txt": "" for one in originals for side in "io"
    }
    table = "PatientID,OriginalID\n" + "".join(f"{patient},{original}\n" for patient, original in links.items())
    return {**images, **contours, "link.csv": table}


def masks() -> dict[str, str]:
    return {f"{folder}/{name}_{phase}.nii.gz": "" for folder in ("found", "drawn") for name in IDS for phase in Phase}


READERS = {
    "acdc": Reader(acdc, of_source(Acdc)),
    "mnms": Reader(mnms, of_source(Mnms)),
    "mnms_2": Reader(mnms_2, of_source(Mnms)),
    "nnunet": Reader(nnunet, of_nnunet),
    "ukbb_nifti": Reader(ukbb_nifti, of_ukbb),
    "ukbb_archives": Reader(ukbb_archives, of_ukbb, nifti=False),
    "sunnybrook": Reader(sunnybrook, of_sunnybrook, nifti=False),
    "masks": Reader(masks, of_masks),
}
NIFTI = {name: reader for name, reader in READERS.items() if reader.nifti}
COHORTS = [name for name in NIFTI if name != "masks"]


def files_below(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def folders_below(root: Path) -> list[Path]:
    return [root, *sorted(path for path in root.rglob("*") if path.is_dir())]


def suffix_of(name: str) -> str:
    return next(suffix for suffix in SUFFIXES if name.endswith(suffix))


def in_upper_case(root: Path) -> None:
    for path in files_below(root):
        suffix = suffix_of(path.name)
        path.rename(path.with_name(path.name.removesuffix(suffix) + suffix.upper()))


def in_mixed_case(root: Path) -> None:
    for path in files_below(root):
        suffix = suffix_of(path.name)
        path.rename(path.with_name(path.name.removesuffix(suffix) + suffix.title()))


def uncompressed(root: Path) -> None:
    for path in files_below(root):
        path.rename(path.with_name(path.name.replace(".nii.gz", ".nii")))


def with_hidden_files(root: Path) -> None:
    for path in files_below(root):
        for prefix in (".", "._"):
            path.with_name(f"{prefix}{path.name}").write_bytes(b"\0\5\26\7")
    for folder in folders_below(root):
        (folder / ".DS_Store").touch()
        (folder / "Thumbs.db").touch()


def with_macos_folder(root: Path) -> None:
    for path in files_below(root):
        for name in (f"._{path.name}", path.name):
            copy = root / "__MACOSX" / path.parent.relative_to(root) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(b"\0\5\26\7")


def with_hidden_folder(root: Path) -> None:
    shutil.copytree(root, root.parent / "copy")
    (root.parent / "copy").rename(root / ".snapshot")


def as_links_to_files(root: Path) -> None:
    store = root.parent / "store"
    store.mkdir()
    for number, path in enumerate(files_below(root)):
        path.rename(store / f"{number}")
        path.symlink_to(store / f"{number}")


def as_links_to_folders(root: Path) -> None:
    store = root.parent / "store"
    store.mkdir()
    innermost = [folder for folder in folders_below(root)[1:] if not any(path.is_dir() for path in folder.iterdir())]
    for number, folder in enumerate(innermost):
        folder.rename(store / f"{number}")
        folder.symlink_to(Path(os.path.relpath(store / f"{number}", folder.parent)))


def as_a_link(root: Path) -> None:
    root.rename(root.parent / "elsewhere")
    root.symlink_to(root.parent / "elsewhere")


def with_loops(root: Path) -> None:
    for folder in folders_below(root):
        (folder / "loop").symlink_to(root)
        (folder / "up").symlink_to("..")


def with_broken_links(root: Path) -> None:
    for folder in folders_below(root):
        (folder / "gone").symlink_to("nowhere")
        (folder / "self").symlink_to("self")


def with_pipes_and_devices(root: Path) -> None:
    for folder in folders_below(root):
        for name in ("pipe.nii.gz", "pipe.csv", "7000009_20209_2_0.zip", "IM-0003-0009.dcm", "pipe.json"):
            os.mkfifo(folder / name)
        (folder / "zero.nii").symlink_to("/dev/zero")


SAME: Mapping[str, Callable[[Path], None]] = {
    form.__name__: form
    for form in (
        in_upper_case,
        in_mixed_case,
        with_hidden_files,
        with_macos_folder,
        with_hidden_folder,
        as_links_to_files,
        as_links_to_folders,
        as_a_link,
        with_loops,
        with_broken_links,
        with_pipes_and_devices,
    )
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def numbers_found(found: Found) -> dict[str, int]:
    return {what: len(files) for what, files in found.items()}


@pytest.mark.parametrize("form", SAME)
@pytest.mark.parametrize("name", READERS)
def test_every_reader_finds_the_same_in_every_form(root: Path, name: str, form: str):
    reader = READERS[name]
    reader.write(root)
    before, _ = reader.found(root)
    SAME[form](root)

    after, omissions = reader.found(root)

    assert numbers_found(after) == numbers_found(before)
    assert all(path.is_file() for files in after.values() for path in files)
    if form == "with_broken_links":
        assert sum(one.count for one in omissions if "nowhere" in one.reason) > 0


@pytest.mark.parametrize("name", NIFTI)
def test_every_reader_finds_the_same_without_compression(root: Path, name: str):
    reader = NIFTI[name]
    reader.write(root)
    before, _ = reader.found(root)
    uncompressed(root)

    after, _ = reader.found(root)

    assert numbers_found(after) == numbers_found(before)
    assert all(path.is_file() for files in after.values() for path in files)


@pytest.mark.parametrize("second", [".nii", ".NII", ".Nii.gz"])
@pytest.mark.parametrize("kind", ["image", "label"])
@pytest.mark.parametrize("name", NIFTI)
def test_a_scan_with_two_files_is_refused_by_every_reader(root: Path, name: str, kind: str, second: str):
    reader = NIFTI[name]
    reader.write(root)
    path = scan_of(reader, root, kind)
    shutil.copy(path, path.with_name(path.name.removesuffix(".nii.gz") + second))

    with pytest.raises(InvalidCohortError, match=r": 1 scans have two files, .*; one file a scan; remove") as error:
        reader.found(root)

    assert not any(one in str(error.value) for one in (*IDS, "001", "020"))


def scan_of(reader: Reader, root: Path, kind: str) -> Path:
    found, _ = reader.found(root)
    if not any(found.values()):  # masks: those of one case
        return root / {"image": "found", "label": "drawn"}[kind] / f"{IDS[0]}_ED.nii.gz"
    return next(files for files in found.values() if len(files) == 2 and "nii" in files[0].name)[kind == "label"]


@pytest.mark.parametrize("kind", ["image", "label"])
@pytest.mark.parametrize("name", COHORTS)
def test_a_broken_link_to_a_file_costs_one_scan_and_is_said_of_it(root: Path, name: str, kind: str):
    reader = READERS[name]
    reader.write(root)
    before, _ = reader.found(root)
    path = scan_of(reader, root, kind)
    path.unlink()
    path.symlink_to("nowhere")

    after, _ = reader.found(root)

    assert numbers_found(after) == numbers_found(before), (
        "a scan whose label is missing is not taken for an unlabelled one"
    )
    broken = [files for files in after.values() if path in files]
    assert broken
    if kind == "image":
        with pytest.raises(InvalidScanError, match="the image file is missing"):
            read_scan(ScanFiles(*broken[0]), {})


def test_a_broken_link_to_a_mask_costs_one_pair_and_is_counted(root: Path):
    READERS["masks"].write(root)
    path = root / "found" / f"{IDS[0]}_ED.nii.gz"
    path.unlink()
    path.symlink_to("nowhere")

    found, omissions = of_masks(root)

    assert len(found) == 2 * len(IDS) - 1
    assert any("nowhere" in one.reason for one in omissions)


@pytest.mark.parametrize("name", ["acdc", "mnms", "mnms_2", "ukbb_nifti", "ukbb_archives", "sunnybrook"])
def test_a_broken_link_to_a_folder_costs_one_subject_and_is_counted(root: Path, name: str):
    reader = READERS[name]
    reader.write(root)
    before, _ = reader.found(root)
    as_links_to_folders(root)
    lost = max((path for path in root.rglob("*") if path.is_symlink()), key=lambda path: (len(path.parts), path.name))
    (lost.parent / lost.readlink()).rename(root.parent / "moved")

    after, omissions = reader.found(root)

    assert numbers_found(after) != numbers_found(before)
    assert len(after) >= len(before) - 2
    assert sum(one.count for one in omissions if "nowhere" in one.reason) == 1


def test_a_broken_link_to_the_information_of_a_subject_of_acdc_costs_that_subject(root: Path):
    READERS["acdc"].write(root)
    info = root / "training" / IDS[0] / "Info.cfg"
    info.unlink()
    info.symlink_to("nowhere")
    source = Acdc(root, NoParameters())
    source.prepare(root)

    assert {name for name, _ in source.scan_files()} == set(IDS[1:])
    assert source.rejected().keys() == {IDS[0]}
    assert "Info.cfg cannot be read" in source.rejected()[IDS[0]].reason


def test_the_contents_of_macos_folders_make_no_subject(root: Path):
    READERS["acdc"].write(root)
    with_macos_folder(root)
    shutil.rmtree(root / "training")

    with pytest.raises(InvalidCohortError, match="no scans found there"):
        READERS["acdc"].found(root)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_json_of_nnunet_is_read_in_every_encoding(root: Path, encoding: str):
    READERS["nnunet"].write(root)
    before, _ = of_nnunet(root)
    path = root / "Dataset042_Heart" / "dataset.json"
    path.write_text(path.read_text(), encoding=encoding)
    splits = root / "splits_final.json"
    splits.write_text(json.dumps([{"train": ["a"], "val": ["b"]}]), encoding=encoding)

    assert numbers_found(of_nnunet(root)[0]) == numbers_found(before)
    assert [fold.train for fold in read_folds(splits)] == [("a",)]


def real_forms(acdc_root: Path, folder: Path) -> Iterator[Path]:
    """Three real subjects: as a farm of links, uncompressed, and in upper case."""
    subjects = sorted(path for path in acdc_root.iterdir() if path.is_dir())[:3]
    for form in ("links", "uncompressed", "upper"):
        for subject in subjects:
            (folder / form).mkdir(exist_ok=True)
            place = folder / form / subject.name
            if form == "links":
                place.symlink_to(subject)
                continue
            place.mkdir()
            for path in subject.iterdir():
                if not path.name.endswith(".nii.gz"):
                    shutil.copy(path, place)
                elif form == "upper":
                    shutil.copy(path, place / path.name.replace(".nii.gz", ".NII.GZ"))
                elif "_4d" not in path.name:
                    (place / path.name.replace(".nii.gz", ".nii")).write_bytes(gzip.decompress(path.read_bytes()))
        yield folder / form


def test_real_scans_of_acdc_are_the_same_in_every_form(acdc_root: Path, tmp_path: Path):
    expected = Acdc(acdc_root, NoParameters()).scan_files()

    for root in real_forms(acdc_root, tmp_path):
        source = Acdc(root, NoParameters())
        source.prepare(tmp_path)
        files = source.scan_files()
        assert len(files) == 6
        for key in list(files)[::3]:
            scan, original = (read_scan(each[key], source.label_values) for each in (files, expected))
            np.testing.assert_array_equal(scan.image, original.image)
            np.testing.assert_array_equal(scan.label, original.label)
