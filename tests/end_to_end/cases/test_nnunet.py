"""Raw data sets of nnU-Net as versions 1 and 2, R and Windows leave them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.numpy import load_file

from tests.end_to_end.cases.inputs import LABELS, save_in_ras, write_nnunet
from tests.end_to_end.cases.place import Done, Place

pytestmark = pytest.mark.slow
SUBJECTS = 20
SEX = {"attributes.protected_attribute": "sex"}


def labels_in_another_orientation(root: Path) -> None:
    """Labels are in RAS and images in LPS, as their headers say."""
    for path in sorted((write_nnunet(root) / "labelsTr").iterdir()):
        save_in_ras(path)


def description_of_the_first_nnunet(root: Path) -> None:
    """dataset.json as nnU-Net v1 and the Medical Segmentation Decathlon have it: labels by number, no file_ending."""
    by_number = {str(value): name for name, value in LABELS.items()}
    first = {"name": "Heart", "tensorImageSize": "4D", "modality": {"0": "MRI"}, "training": []}
    write_nnunet(root, **first, labels=by_number, channel_names=None, file_ending=None)


def description_with_bom(root: Path) -> None:
    """dataset.json saved as "UTF-8 with BOM", as Windows PowerShell 5 and old editors do."""
    path = write_nnunet(root) / "dataset.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def label_to_ignore(root: Path) -> None:
    """nnU-Net v2's label ``ignore`` for sparse annotation, which no image has."""
    write_nnunet(root, labels={**LABELS, "ignore": 4})


def labels_of_atria(root: Path) -> None:
    """Labels of more structures than the project has."""
    write_nnunet(root, labels={**LABELS, "LA": 4, "RA": 5})


def demographics_of_r(root: Path) -> None:
    """demographics.csv with NA for a missing age and a missing sex."""
    path = write_nnunet(root) / "demographics.csv"
    table = pd.read_csv(path, dtype=str)
    table.loc[2, "age"] = "NA"
    table.loc[5, "sex"] = "NA"
    table.to_csv(path, index=False)


@pytest.mark.parametrize(
    "make", [description_of_the_first_nnunet, description_with_bom, label_to_ignore], ids=lambda m: m.__name__
)
def test_descriptions_of_every_form_are_read(make: Callable[[Path], None], place: Place):
    make(place.inputs)

    assert len(place.index("nnunet", **SEX).scans) == 2 * SUBJECTS


def test_labels_of_other_structures_can_be_left_out_by_name(place: Place):
    labels_of_atria(place.inputs)

    error = place.index("nnunet", **SEX).error
    (named,) = re.findall(r"labels_left_out=(\S+?)[,;)]", error)

    assert named == "LA+RA"
    done = place.index("nnunet", **SEX, labels_left_out=named)
    assert len(done.scans) == 2 * SUBJECTS
    assert re.search(r"\b2 of 5 labels are .*\bLA, RA\b", done.printed), done.printed


def of_r(place: Place) -> Done:
    """Report the cohort in an environment like that of nnU-Net, whose attributes are those of the table."""
    project = place.project.copied_to(place.folder / "project")
    own = Path(shutil.copytree(project.folder / "conf" / "nnunet", project.folder / "conf" / "own"))
    parameters = yaml.safe_load((own / "parameters.yml").read_text())
    parameters["attributes"] |= {"protected_attribute": "sex", "audit_attributes": ["sex"], "covariates": ["age"]}
    (own / "parameters.yml").write_text(yaml.safe_dump(parameters))
    return Place(project, place.folder).run("cohort_report", "--env", "own", source_root=place.inputs)


def test_labels_lie_on_the_axes_of_their_images(place: Place):
    labels_in_another_orientation(place.inputs)

    done = place.run("data_engineering,cohort_report", "--env", "nnunet", source_root=place.inputs, **SEX)

    assert len(done.scans) == 2 * SUBJECTS
    tensors = [load_file(path) for path in (place.study / "05_model_input" / "tensors").glob("sub-*.safetensors")]
    assert len(tensors) == SUBJECTS
    for subject in tensors:
        for phase in ("ED", "ES"):
            image, label = (subject[f"{phase}.{part}"].astype(np.float64) for part in ("image", "label"))
            means = [image[label == value].mean() for value in range(4)]
            # as drawn: background, muscle, right and left ventricle
            assert sorted(range(4), key=means.__getitem__) == [0, 2, 3, 1]


def test_what_r_does_not_know_is_missing(place: Place):
    demographics_of_r(place.inputs)

    done = of_r(place)

    done.succeeds()
    subjects = pd.read_parquet(place.study / "03_primary" / "subjects.parquet")
    assert set(subjects["sex"].dropna()) == {"F", "M"}
    assert subjects["age"].isna().sum() == 1
    left_out = re.compile(r"\b1 of 20 subjects are left out: no sex\b")
    assert left_out.search(done.printed), done.printed
    assert "1 of 20 subjects left out no sex" in done.cohort_page
    assert re.search(r"\bage\b[^.]{0,60}\b1\b|\b1\b[^.]{0,60}\bage\b", done.cohort_page)
