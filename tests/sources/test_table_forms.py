"""Every table of subjects follows the same rules: what is missing, what is no number, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from faircmr.core import FaircmrError
from faircmr.sources.acdc import Acdc
from faircmr.sources.base import NoParameters
from faircmr.sources.mnms import Mnms
from faircmr.sources.nnunet import NnunetParameters, NnunetRaw
from faircmr.sources.sunnybrook import Sunnybrook
from faircmr.sources.ukbb import read_tables
from tests.sources.volumes import write_acdc_subject

SEXES = ["F", "M", "F"]
AGES = ["58", "61", "70"]
Read = Callable[[Path, list[str], list[str]], pd.DataFrame]
"""Makes a data set of three subjects with these sexes and ages, and returns its attributes sex and age."""


def of_mnms(root: Path, sexes: list[str], ages: list[str]) -> pd.DataFrame:
    people = enumerate(zip(sexes, ages, strict=True))
    rows = [f"P{n},Siemens,A,1,0,1,{age},NOR,{sex},170,70" for n, (sex, age) in people]
    header = "External code,VendorName,Vendor,Centre,ED,ES,Age,Pathology,Sex,Height,Weight"
    (root / "information.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return Mnms(root, NoParameters()).attributes()[["sex", "age"]]


def of_nnunet(suffix: str) -> Read:
    def read(root: Path, sexes: list[str], ages: list[str]) -> pd.DataFrame:
        described = {"channel_names": {"0": "cine"}, "labels": {"background": 0, "LV": 1}, "file_ending": ".nii.gz"}
        (root / "dataset.json").write_text(json.dumps(described))
        table = pd.DataFrame({"subject_id": ["P0", "P1", "P2"], "sex": sexes, "age": ages}, dtype="str")
        name = f"demographics{suffix}"
        table.to_parquet(root / name) if "q" in suffix.lower() else table.to_csv(root / name, index=False)
        return NnunetRaw(root, NnunetParameters(demographics=name)).attributes()

    return read


def of_sunnybrook(root: Path, sexes: list[str], ages: list[str]) -> pd.DataFrame:
    lines = ["PatientID,OriginalID,Gender,Age"]
    for n, (sex, age) in enumerate(zip(sexes, ages, strict=True), start=1):
        lines.append(f"SCD000{n},SC-N-0{n},{sex},{age}")
        contours = root / f"SC-N-0{n}" / "contours"
        contours.mkdir(parents=True)
        (contours / "IM-0001-0001-icontour-manual.txt").write_text("1 1\n")
        images = root / f"SCD000{n}"
        images.mkdir()
        (images / "1.dcm").touch()
    (root / "scd_patientdata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Sunnybrook(root, NoParameters()).attributes()[["sex", "age"]]


def of_biobank(root: Path, sexes: list[str], ages: list[str]) -> pd.DataFrame:
    codes = [{"F": "0", "M": "1"}.get(sex, sex) for sex in sexes]
    rows = [f"700000{n},{code},1001,{age}" for n, (code, age) in enumerate(zip(codes, ages, strict=True))]
    path = root / "ukb.csv"
    path.write_text("\n".join(["eid,31-0.0,21000-2.0,21003-2.0", *rows]) + "\n", encoding="latin-1")
    return read_tables([path]).attributes[["sex", "age"]]


READERS: dict[str, Read] = {
    "mnms": of_mnms,
    "nnunet csv": of_nnunet(".csv"),
    "nnunet CSV": of_nnunet(".CSV"),
    "nnunet Parquet": of_nnunet(".Parquet"),
    "sunnybrook": of_sunnybrook,
    "ukbb": of_biobank,
}
readers = pytest.mark.parametrize("read", READERS.values(), ids=READERS)
WORDS = [".", "-", "?", "none", "unknown", "#N/A", "#DIV/0!", "NULL"]


@readers
def test_missing_value_words_are_missing_among_ages(read: Read, tmp_path: Path):
    for number, word in enumerate([*WORDS, "NA", "N/A", "NaN", "None"]):
        folder = tmp_path / str(number)
        folder.mkdir()

        age = read(folder, SEXES, ["58", word, "70"])["age"]

        assert [None if pd.isna(each) else each for each in age] == [58.0, None, 70.0], word


@readers
def test_missing_value_words_are_missing_among_sexes(read: Read, tmp_path: Path):
    for number, word in enumerate(["", "NA", "n/a", "NaN", "#N/A", "<NA>"]):
        folder = tmp_path / str(number)
        folder.mkdir()

        assert read(folder, ["F", word, "M"], AGES)["sex"].isna().tolist() == [False, True, False], word


ODD = {"DICOM": "065Y", "unit": "65 years", "point": '"65,5"', "zeros": "<65", "name": "Huber"}
UNREADABLE = [name for name in READERS if name in {"mnms", "sunnybrook"}]


@pytest.mark.parametrize("cell", ODD.values(), ids=ODD)
@pytest.mark.parametrize("name", UNREADABLE)
def test_a_number_that_cannot_be_read_is_refused_with_its_form(name: str, cell: str, tmp_path: Path):
    with pytest.raises(FaircmrError, match=r"has 1 of 3 values that are no numbers \(1 of the form") as error:
        READERS[name](tmp_path, SEXES, ["58", cell, "70"])
    assert cell.strip('"') not in str(error.value)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_sex_that_is_no_code_is_refused_with_its_form(name: str, tmp_path: Path):
    with pytest.raises(
        FaircmrError, match=r"has 1 of 3 values that are no code \(1 of the form 'Xxxxx'\); one of f, m"
    ):
        READERS[name](tmp_path, ["F", "Woman", "M"], AGES)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_sex_may_be_written_out(name: str, tmp_path: Path):
    assert READERS[name](tmp_path, ["Female", "male", "f"], AGES)["sex"].tolist() == ["female", "male", "female"]


@pytest.mark.parametrize("cell", [*WORDS, "NA", "?"])
def test_a_height_of_acdc_may_be_missing(cell: str, tmp_path: Path):
    write_acdc(tmp_path, cell)

    assert Acdc(tmp_path, NoParameters()).attributes()["height"].isna().tolist() == [False, True]


@pytest.mark.parametrize("cell", ["1,84", "184 cm", "~184", "tall"])
def test_a_height_of_acdc_that_is_no_number_is_refused(cell: str, tmp_path: Path):
    write_acdc(tmp_path, cell)

    with pytest.raises(FaircmrError, match=r"Info\.cfg: column Height has 1 of 2 values that are no numbers") as error:
        Acdc(tmp_path, NoParameters()).attributes()
    assert cell not in str(error.value)


def write_acdc(root: Path, height: str) -> None:
    for subject, cell in (("patient001", "184.0"), ("patient002", height)):
        write_acdc_subject(root / subject)
        info = root / subject / "Info.cfg"
        lines = [line for line in info.read_text().splitlines() if not line.startswith("Height")]
        info.write_text("\n".join([*lines, f"Height: {cell}"]) + "\n")


def test_groups_of_a_table_may_be_called_as_missing_values_are(tmp_path: Path):
    described = {"channel_names": {"0": "cine"}, "labels": {"background": 0, "LV": 1}, "file_ending": ".nii.gz"}
    (tmp_path / "dataset.json").write_text(json.dumps(described))
    (tmp_path / "demographics.csv").write_text("subject_id,region,age\nP0,NA,58\nP1,EU,999\nP2,n/a,NA\n")

    found = NnunetRaw(tmp_path, NnunetParameters(not_missing=("NA",), missing=("999",))).attributes()

    assert found["region"].isna().tolist() == [False, False, True]
    assert found["age"].isna().tolist() == [False, True, True]
