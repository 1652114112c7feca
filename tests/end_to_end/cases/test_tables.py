"""Scores and demographics as R, pandas, spreadsheets and nnU-Net write them: read as meant, or refused clearly."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.end_to_end.cases.inputs import ids, write_people, write_scores
from tests.end_to_end.cases.place import Place

pytestmark = pytest.mark.slow
SUBJECTS = 24
BOM = b"\xef\xbb\xbf"


def ages_not_known_to_r(root: Path) -> None:
    """R's write.csv writes NA for what is missing: two of sixty ages. ``people_empty.csv`` has empty cells."""
    write_scores(root / "scores.csv", 60)
    age = write_people(root / "people.csv", 60)["age"].astype(object)
    age[[3, 10]] = "NA"
    write_people(root / "people.csv", 60, age=age)
    write_people(root / "people_empty.csv", 60, age=age.replace("NA", np.nan))


def one_score_is_nan(root: Path) -> None:
    """Wide scores of which one cell is nan, as pandas' ``to_csv(na_rep="nan")`` writes it."""
    scores = write_scores(root / "scores.csv")["dice_rv"].astype(object)
    scores[4] = "nan"
    write_scores(root / "scores.csv", dice_rv=scores)
    write_people(root / "people.csv")


def one_score_above_one(root: Path) -> None:
    """A smoothed Dice in 32-bit floats gives 1.0000001 for a perfect mask."""
    scores = write_scores(root / "scores.csv")["dice_lv"].copy()
    scores[4] = float(np.nextafter(np.float32(1), np.float32(2)))
    write_scores(root / "scores.csv", dice_lv=scores)
    write_people(root / "people.csv")


def two_names_of_the_id(root: Path) -> None:
    """Scores call the subject subject_id, and demographics eid."""
    write_scores(root / "scores.csv")
    write_people(root / "people.csv").rename(columns={"subject_id": "eid"}).to_csv(root / "people.csv", index=False)


def ids_are_the_index(root: Path) -> None:
    """Parquet that pandas wrote of tables whose index is subject_id."""
    for name, table in (("scores", write_scores(root / "scores.csv")), ("people", write_people(root / "people.csv"))):
        table.set_index("subject_id").to_parquet(root / f"{name}.parquet")


def codes_with_a_gap(root: Path) -> None:
    """Sex is 0 or 1, and one cell is empty."""
    write_scores(root / "scores.csv")
    write_people(root / "people.csv", sex=["" if n == 3 else str(n % 2) for n in range(SUBJECTS)])


def zeros_lost(root: Path) -> None:
    """Scores have the ids 0980 to 1039; a spreadsheet has removed the zeros of the demographics' ids."""
    names = [f"{number:04d}" for number in range(980, 1040)]
    write_scores(root / "scores.csv", 60, subject_id=names)
    write_people(root / "people.csv", 60, subject_id=[str(int(name)) for name in names])


def blanks_around_ids(root: Path) -> None:
    """Ids of the demographics end in a blank."""
    names = write_scores(root / "scores.csv")["subject_id"]
    write_people(root / "people.csv", subject_id=[f"{name} " if int(name) > 8 else name for name in names])


def scores_without_variance(root: Path) -> None:
    """Every woman scores 0 and every man 1."""
    scores = [number % 2 for number in range(SUBJECTS)]
    write_scores(root / "scores.csv", dice_lv=scores, dice_rv=scores)
    write_people(root / "people.csv")


def summary_of_the_first_nnunet(root: Path) -> None:
    """summary.json of nnU-Net v1: ``results.all``; NaN where a label is in neither image."""
    write_people(root / "people.csv")
    cases = [
        {
            "1": {"Dice": 0.9 + number / 1000},
            "2": {"Dice": 0.8 if number else float("nan")},
            "reference": f"/data/labelsTs/{name}_ED.nii.gz",
            "test": f"/data/pred/{name}_ED.nii.gz",
        }
        for number, name in enumerate(ids(SUBJECTS))
    ]
    results = {"all": cases, "mean": {"1": {"Dice": 0.9}}}
    summary = {"author": "x", "id": "1", "name": "", "results": results, "task": "", "timestamp": ""}
    (root / "summary.json").write_text(json.dumps(summary))


def summary_with_regions(root: Path) -> None:
    """summary.json of nnU-Net v2 with regions: keys such as ``(1, 2, 3)``, NaN, and paths of Windows."""
    write_people(root / "people.csv")
    cases = [
        {
            "metrics": {
                "(1, 2, 3)": {"Dice": 0.9 + number / 1000, "FN": 1.0},
                "(1,)": {"Dice": 0.8 if number else float("nan")},
            },
            "prediction_file": f"C:\\data\\pred\\{name}_ED.nii.gz",
            "reference_file": f"C:\\data\\ref\\{name}_ED.nii.gz",
        }
        for number, name in enumerate(ids(SUBJECTS))
    ]
    summary = {"foreground_mean": {"Dice": 0.9}, "mean": {}, "metric_per_case": cases}
    (root / "summary.json").write_text(json.dumps(summary))


def parquet_types(root: Path) -> None:
    """Integer ids, and sex as a categorical with a level that no subject has and two missing values."""
    scores, people = write_scores(root / "scores.csv"), write_people(root / "people.csv")
    scores["subject_id"] = scores["subject_id"].astype("int64")
    people["subject_id"] = people["subject_id"].astype("Int64")
    people["sex"] = pd.Categorical(people["sex"].where(people.index > 1), categories=["F", "M", "X"])
    scores.to_parquet(root / "scores.parquet")
    people.to_parquet(root / "people.parquet")


def seeds_missing(root: Path) -> None:
    """Model b lacks one of three seeds, and model a one subject in one seed."""
    scores = write_scores(root / "scores.csv")
    write_people(root / "people.csv")
    runs = [(model, seed) for model in "ab" for seed in range(3) if (model, seed) != ("b", 2)]
    parts = [scores.assign(model=model, seed=seed) for model, seed in runs]
    parts[0] = parts[0].iloc[1:]
    pd.concat(parts).to_csv(root / "scores.csv", index=False)


def csv_of_a_spreadsheet(root: Path) -> None:
    """A byte order mark, lines that end in CRLF, and a row of empty cells at the end."""
    write_scores(root / "scores.csv")
    write_people(root / "people.csv")
    for name in ("scores.csv", "people.csv"):
        path = root / name
        path.write_bytes(BOM + path.read_bytes().replace(b"\n", b"\r\n") + b",,\r\n")


def numbers_of_centres(root: Path) -> None:
    """A covariate is the number of a centre: 11025, 11026 and 11027."""
    write_scores(root / "scores.csv", 60)
    write_people(root / "people.csv", 60, site=[(11025, 11026, 11027)[number % 3] for number in range(60)])


def test_ages_that_are_missing_are_missing_whatever_the_word(place: Place):
    ages_not_known_to_r(place.inputs)

    words = place.audit(**{"audit.covariates": "age"})
    empty = place.audit(people="people_empty.csv", data_root=place.folder / "empty", **{"audit.covariates": "age"})

    pd.testing.assert_frame_equal(words.audited("adjusted"), empty.audited("adjusted"))
    assert words.audited("adjusted")["n"].sum() > 0
    counted = re.compile(r"\bage\b[^.]{0,80}\b2\b|\b2\b[^.]{0,80}\bage\b")
    assert counted.search(words.printed), words.printed
    assert counted.search(words.page)


def test_a_row_without_a_score_is_named_with_what_to_write(place: Place):
    one_score_is_nan(place.inputs)

    assert re.search(r"no score in 1 row\b.*write 0", place.audit().error)


def test_a_score_that_rounding_took_above_one_is_one(place: Place):
    one_score_above_one(place.inputs)

    groups = place.audit().audited("groups").set_index("group")

    scores = pd.read_csv(place.inputs / "scores.csv")[["dice_lv", "dice_rv"]].clip(upper=1).mean(axis=1)
    assert groups.loc["F", "mean"] == pytest.approx(100 * scores[::2].mean())
    assert groups["n"].sum() == SUBJECTS


def test_columns_of_ids_can_be_named_for_both_tables(place: Place):
    two_names_of_the_id(place.inputs)

    error = place.audit().error
    named = re.search(r"audit_columns\.(?!subject\b)\w+", error)

    assert named, error
    groups = place.audit(**{named[0]: "eid"}).audited("groups")
    assert groups["n"].tolist() == [SUBJECTS // 2] * 2


def rows_of(scores: str, people: str) -> dict[str, str]:
    return {"scores": scores, "people": people}


CSV, PARQUET = rows_of("scores.csv", "people.csv"), rows_of("scores.parquet", "people.parquet")
SUMMARY = rows_of("summary.json", "people.csv")


@pytest.mark.parametrize(
    ("make", "files", "sizes"),
    [
        (ids_are_the_index, PARQUET, {"F": 12, "M": 12}),
        (codes_with_a_gap, CSV, {"0": 12, "1": 11}),
        (blanks_around_ids, CSV, {"F": 12, "M": 12}),
        (summary_with_regions, SUMMARY, {"F": 12, "M": 12}),
        (parquet_types, PARQUET, {"F": 11, "M": 11}),
        (csv_of_a_spreadsheet, CSV, {"F": 12, "M": 12}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_groups_are_those_that_the_tables_mean(
    make: Callable[[Path], None], files: dict[str, str], sizes: dict[str, int], place: Place
):
    make(place.inputs)

    groups = place.audit(**files).audited("groups")

    assert dict(zip(groups["group"], groups["n"], strict=True)) == sizes


def test_a_summary_of_nnunet_v1_is_read_or_named_as_such(place: Place):
    summary_of_the_first_nnunet(place.inputs)

    done = place.audit("summary.json")

    if done.code:
        assert "nnU-Net v1" in done.error
    else:
        assert done.audited("groups")["n"].tolist() == [SUBJECTS // 2] * 2


def test_ids_that_look_as_if_they_had_lost_zeros_are_named_as_such(place: Place):
    zeros_lost(place.inputs)

    done = place.audit()

    assert re.search(r"\b20\b.*\bzeros\b", done.printed), done.printed


def test_scores_without_variance_raise_no_foreign_warning_and_say_what_cannot_be_told(place: Place):
    scores_without_variance(place.inputs)

    done = place.audit()

    groups = done.audited("groups").set_index("group")
    assert groups["mean"].to_dict() == {"F": 0.0, "M": 100.0}
    assert not re.search(r"\w+Warning\b|site-packages", done.printed)
    assert not re.search(r"\bnan\b|\binf\b|\[\s*to\s*\]", done.page, re.IGNORECASE)


def test_runs_that_lack_a_seed_or_a_subject_are_refused_with_what_is_missing(place: Place):
    seeds_missing(place.inputs)

    assert re.search(r"scores of a: 1 subjects? scored in one training seed and not in another", place.audit().error)


def test_a_column_of_numbers_can_be_declared_to_be_categories(place: Place):
    numbers_of_centres(place.inputs)
    people = pd.read_csv(place.inputs / "people.csv", dtype=str)
    people.assign(site="c" + people["site"]).to_csv(place.inputs / "people_text.csv", index=False)
    covariate = {"audit.covariates": "site"}

    numbers = place.audit(data_root=place.folder / "numbers", **covariate).audited("adjusted")
    text = place.audit(people="people_text.csv", data_root=place.folder / "text", **covariate).audited("adjusted")
    declared = place.audit(**covariate, **{"audit.categorical": "site"}).audited("adjusted")

    assert len(declared) > 0
    pd.testing.assert_frame_equal(declared, text)
    assert not declared["difference"].equals(numbers["difference"])
