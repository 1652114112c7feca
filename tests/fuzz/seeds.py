"""Valid data sets, as small as each reader takes them, all of people who do not exist."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel as nib
import numpy as np
import pandas as pd

from tests.fuzz.variants import Tree
from tests.sources.dicom.written import NATIVE, SECRET, dicom_bytes, frame, write_zip
from tests.sources.ukbb.table_files import table_text
from tests.sources.ukbb.workspaces import contour, ellipse, image, workspace
from tests.sources.volumes import ZOOMS, drawn, ramp, save
from tests.zips import zipped

ROWS, COLUMNS, SLICES, PHASES = 24, 20, 2, 2
CENTRE, RADIUS = (12.0, 11.0), 6.0
FEW_POINTS = 12
OTHER = "7000012"
DESCRIPTION = {
    "channel_names": {"0": "cineMRI"},
    "labels": {"background": 0, "RV": 1, "MLV": 2, "LVC": 3},
    "numTraining": 1,
    "file_ending": ".nii.gz",
}
OF_FIRST_NNUNET = {
    "name": "Heart",
    "tensorImageSize": "4D",
    "modality": {"0": "MRI"},
    "labels": {"0": "background", "1": "RV", "2": "MLV", "3": "LVC"},
    "numTraining": 1,
    "training": [],
}
LPS = np.array([[-ZOOMS[0], 0, 0, 30.0], [0, -ZOOMS[1], 0, 25.0], [0, 0, ZOOMS[2], -20.0], [0, 0, 0, 1.0]])
AUDITED = 24
MNMS = (
    ",External code,VendorName,Vendor,Centre,ED,ES,Age,Pathology,Sex,Height,Weight\n"
    f"0,{SECRET},Siemens,A,1,0,1,16,Others,M,184.0,95.0\n"
)
PEOPLE = pd.DataFrame({"subject_id": [SECRET, OTHER], "sex": ["female", "male"], "age": [61, 54]})
UKB = f"eid,p31,p21000_i0,p21003_i2,p50_i2,p21002_i2,p54_i2\n{SECRET},0,1001,61,164,68.6,11025\n"


def archive() -> Tree:
    images = {f"{SECRET}.{number}.dcm": bytes(range(64)) * 3 for number in range(3)}
    return {f"{SECRET}_20209_2_0.zip": zipped({**images, "manifest.csv": f"filename,{SECRET}\n"})}


def dicom_archive() -> Tree:
    return _made(lambda root: write_zip(root / f"{SECRET}_20209_2_0.zip", _cine()))


def dicom_files(syntax: str) -> Tree:
    return {
        f"{SECRET}/{place}.{phase}.dcm": dicom_bytes(frame(place, phase), syntax)
        for place in range(SLICES)
        for phase in range(PHASES)
    }


def contours() -> Tree:
    return {f"{SECRET}_cvi42.zip": zipped({f"{SECRET}_2_0.cvi42wsx": _workspace()})}


def contour_text() -> Tree:
    points = ellipse(CENTRE, (RADIUS, RADIUS), FEW_POINTS) / 4
    return {f"{SECRET}-icontour.txt": "".join(f"{x:.2f} {y:.2f}\n" for x, y in points).encode()}


def scan(suffix: str) -> Tree:
    return _made(lambda root: [save(root / f"{SECRET}{part}{suffix}", data) for part, data in _scan().items()])


def cine(suffix: str) -> Tree:
    return _made(
        lambda root: [
            save(root / f"{SECRET}{part}{suffix}", np.stack([data, data], axis=-1)) for part, data in _scan().items()
        ]
    )


def masks() -> Tree:
    return _made(lambda root: [save(root / f"{side}/{SECRET}_ED.nii.gz", drawn()) for side in ("found", "drawn")])


def masks_in_space() -> Tree:
    """The reference in LPS and the prediction in RAS, as their headers say: the same voxels in space."""

    def write(root: Path) -> None:
        reference = save_in_space(root / "drawn" / f"{SECRET}_ED.nii.gz", drawn())
        (root / "found").mkdir()
        nib.save(nib.as_closest_canonical(reference), root / "found" / f"{SECRET}_ED.nii")

    return _made(write)


def scan_in_space() -> Tree:
    return _made(lambda root: [save_in_space(root / f"{SECRET}{part}.nii.gz", data) for part, data in _scan().items()])


def cine_in_space() -> Tree:
    return _made(
        lambda root: [
            save_in_space(root / f"{SECRET}{part}.nii.gz", np.stack([data, data], axis=-1))
            for part, data in _scan().items()
        ]
    )


def save_in_space(path: Path, data: np.ndarray) -> nib.Nifti1Image:
    """Write a volume or a cine whose qform and sform agree, in millimetres and seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data, LPS)
    image.set_qform(LPS, 1)
    image.set_sform(LPS, 1)
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, path)
    return image


def acdc() -> Tree:
    info = {f"{SECRET}/Info.cfg": b"ED: 1\nES: 2\nGroup: DCM\nHeight: 180.0\nWeight: 81.0\n"}
    scans = {f"{SECRET}/{SECRET}_frame{number:02d}{part}.nii.gz": data for number in (1, 2) for part, data in _parts()}
    return {**info, **scans}


def mnms() -> Tree:
    volumes = {f"Testing/{name[:7]}/{name[:7]}_sa{name[7:]}": content for name, content in cine(".nii.gz").items()}
    return {"information.csv": MNMS.encode(), **volumes}


def nnunet(phases: tuple[str, str] = ("ED", "ES"), description: Mapping[str, object] = DESCRIPTION) -> Tree:
    described = {"dataset.json": json.dumps(description).encode(), "splits_final.json": _folds()}
    folders = {"": ("imagesTr", "_0000"), "_gt": ("labelsTr", "")}
    scans = {
        f"{folders[part][0]}/{SECRET}_{phase}{folders[part][1]}.nii.gz": data
        for phase in phases
        for part, data in _parts()
    }
    people = PEOPLE.assign(ED=1, ES=12)
    return {**described, "demographics.csv": people.to_csv(index=False).encode(), **scans}


def unlabelled() -> Tree:
    volume, series = dict(_parts())[""], cine(".nii.gz")[f"{SECRET}.nii.gz"]
    return {f"{SECRET}.nii.gz": series, f"{OTHER}_ED.nii.gz": volume, f"{OTHER}_ES.nii": gzip.decompress(volume)}


def nnunet_of_v1() -> Tree:
    return nnunet(description=OF_FIRST_NNUNET)


def nnunet_with_ignore() -> Tree:
    labels = {"background": 0, "RV": 1, "MLV": 2, "LVC": 3, "ignore": 4}
    return nnunet(description={**DESCRIPTION, "labels": labels})


def views() -> Tree:
    """Short-axis cines with long axes, a mask, a prediction and a second channel next to them."""
    series, volume = cine(".nii.gz")[f"{SECRET}.nii.gz"], dict(_parts())[""]
    names = ("la_2ch", "la_4ch", "aortic", "label_sa_ED", "seg_sa", "sa_0001")
    subjects = (SECRET, OTHER)
    return {
        **{f"{subject}/sa.nii.gz": series for subject in subjects},
        **{f"{subject}/{name}.nii.gz": volume for subject in subjects for name in names},
    }


def audited(suffix: str) -> Tree:
    """Wide scores and demographics, with columns of every type."""
    scores, people = _scores(), _audited_people()
    if suffix == ".csv":
        return {name: table.to_csv(index=False).encode() for name, table in _named(scores, people).items()}
    return {
        name.replace(".csv", suffix): table.to_parquet(index=False) for name, table in _named(scores, people).items()
    }


def audited_by_index() -> Tree:
    """Long scores of two models and seeds, in Parquet whose index is the subject."""
    wide = _scores().melt("subject_id", var_name="structure", value_name="value")
    long = pd.concat([wide.assign(model=model, seed=seed, phase="ED") for model in "ab" for seed in (0, 1)])
    tables = _named(long, _audited_people())
    return {
        name.replace(".csv", ".parquet"): table.set_index("subject_id").to_parquet() for name, table in tables.items()
    }


def summary(version: int) -> Tree:
    """summary.json of nnU-Net v1 or v2, with a region and a NaN, and demographics."""
    cases = []
    for number, name in enumerate(_ids()):
        dice = {"1": {"Dice": 0.8 + number / 1000}, "(1, 2)": {"Dice": 0.9 if number else float("nan")}}
        files = {"prediction_file": f"/data/pred/{name}_ED.nii.gz", "reference_file": f"C:\\ref\\{name}_ED.nii.gz"}
        old = {"test": files["prediction_file"], "reference": files["reference_file"]}
        cases.append({"metrics": dice, **files} if version == 2 else {**dice, **old})
    content = {"metric_per_case": cases, "mean": {}} if version == 2 else {"results": {"all": cases, "mean": {}}}
    people = _audited_people().to_csv(index=False).encode()
    return {"scores.json": json.dumps(content).encode(), "people.csv": people}


def _ids() -> list[str]:
    return [f"{SECRET}{number:02d}" for number in range(AUDITED)]


def _named(scores: pd.DataFrame, people: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {"scores.csv": scores, "people.csv": people}


def _scores() -> pd.DataFrame:
    values = np.linspace(0.7, 0.95, AUDITED).round(4)
    return pd.DataFrame({"subject_id": _ids(), "dice_lv": values, "dice_rv": values[::-1]})


def _audited_people() -> pd.DataFrame:
    places = range(AUDITED)
    return pd.DataFrame(
        {
            "subject_id": _ids(),
            "sex": ["FM"[place % 2] for place in places],
            "race": [place % 2 for place in places],
            "age": [40 + place for place in places],
            "site": [(11025, 11026, 11027)[place % 3] for place in places],
        }
    )


def biobank() -> Tree:
    """Two participants: where one is rejected there is a cohort still."""
    other = {name.replace(SECRET, OTHER): content for name, content in biobank_nifti().items()}
    table = UKB + UKB.splitlines()[1].replace(SECRET, OTHER)
    return {**other, **dicom_archive(), **contours(), "participant.csv": table.encode()}


def biobank_nifti() -> Tree:
    names = {"": "", "_gt": "label_"}
    scans = {f"{SECRET}/{names[part]}sa_{phase}.nii.gz": data for phase in ("ED", "ES") for part, data in _parts()}
    return {"participant.csv": UKB.encode(), **scans}


def sunnybrook() -> Tree:
    table = "PatientID,OriginalID,Gender,Age,Pathology\n" + "".join(
        f"SCD{subject},SC-HF-I-{place},Female,61,HF\n" for place, subject in enumerate((SECRET, OTHER))
    )
    scans = [_sunnybrook_subject(place, f"SCD{subject}") for place, subject in enumerate((SECRET, OTHER))]
    return {"scd_patientdata.csv": table.encode(), **scans[0], **scans[1]}


def _sunnybrook_subject(place: int, subject: str) -> Tree:
    images = {
        f"SCD_IMAGES_01/{subject}/CINESAX_300/IM-0003-{number:04}.dcm": content
        for number, content in enumerate(_cine())
    }
    inner, outer = (
        "".join(f"{x:.2f} {y:.2f}\n" for x, y in ellipse(CENTRE, (radius, radius), FEW_POINTS) / 4).encode()
        for radius in (RADIUS - 3, RADIUS)
    )
    # numbers are those of images, slice by slice: end diastole has both walls
    contours = {
        f"SC-HF-I-{place}/IM-0001-{number:04}-{side}contour-manual.txt": content
        for number in range(SLICES * PHASES)
        for side, content in (("i", inner), ("o", outer))
        if side == "i" or number % PHASES == 0
    }
    return {**images, **contours}


def biobank_table(form: str, separator: str, encoding: str) -> Tree:
    return {f"{SECRET}.csv": table_text(form, separator).encode(encoding)}


def compressed_table() -> Tree:
    return {"ukb.tab.gz": gzip.compress(table_text("tab", "\t").encode(), mtime=0)}


def people_csv() -> Tree:
    return {"people.csv": PEOPLE.to_csv(index=False).encode()}


def people_parquet() -> Tree:
    return {"people.parquet": PEOPLE.to_parquet(index=False)}


def _folds() -> bytes:
    return json.dumps([{"train": [f"{SECRET}_ED"], "val": [f"{OTHER}_ED"]}] * 2).encode()


def _scan() -> Mapping[str, np.ndarray]:
    return {"": ramp(), "_gt": drawn()}


@cache
def _parts() -> tuple[tuple[str, bytes], ...]:
    return tuple((name.removeprefix(SECRET).removesuffix(".nii.gz"), data) for name, data in scan(".nii.gz").items())


def _cine() -> list[bytes]:
    return [
        dicom_bytes(
            frame(place, phase, Rows=ROWS, Columns=COLUMNS, PixelData=bytes(range(240)) * (ROWS * COLUMNS // 120)),
            NATIVE[1],
        )
        for place in range(SLICES)
        for phase in range(PHASES)
    ]


def _workspace() -> bytes:
    outlines = {
        "sarvendocardialContour": ellipse((4.0, 5.0), (3, 3), FEW_POINTS),
        "saepicardialContour": ellipse(CENTRE, (RADIUS, RADIUS), FEW_POINTS),
        "saendocardialContour": ellipse(CENTRE, (RADIUS - 3, RADIUS - 3), FEW_POINTS),
    }
    return workspace(
        *(
            image(frame(place, phase).SOPInstanceUID, *(contour(name, points) for name, points in outlines.items()))
            for place in range(SLICES)
            for phase in range(PHASES)
        )
    )


def _made(write: Callable[[Path], object]) -> Tree:
    """What a writer of files writes, by path."""
    with TemporaryDirectory() as name:
        root = Path(name)
        write(root)
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
