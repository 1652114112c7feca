"""What an error tells the user to do is done, to the letter, and the error is gone.

The remedy is read from the error itself wherever it holds a name or a value, so that a remedy that does not fit fails
here. Names that exist are one thing (:mod:`tests.architecture.test_messages`); whether they help is another.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from omegaconf import OmegaConf

from faircmr.cli import run
from faircmr.core import FaircmrError, NotPermittedError, parse_parameters
from faircmr.core.scans import Cohort, Phase
from faircmr.core.study import (
    AttributeParameters,
    SplitParameters,
    index_subjects,
    keep_source_ids,
    parse_naming,
    split_subjects,
)
from faircmr.core.user_input import given_path, read_user_table
from faircmr.fairness.audit import AuditColumns, join_demographics
from faircmr.mitigation import BalancedCohort, SmallestShareCohort, check_shortages, draw_smallest_share, half_of
from faircmr.segmentation import TrainingParameters
from faircmr.sources.nnunet import NnunetParameters, NnunetRaw
from tests.sources.volumes import drawn, ramp, save


def error_of(call: Callable[[], object]) -> str:
    with pytest.raises(FaircmrError) as error:
        call()
    return str(error.value)


def read_from(message: str, pattern: str) -> tuple[str, ...]:
    """Names and values that a message says; the pattern must be in it."""
    found = re.search(pattern, message)
    assert found is not None, message
    return found.groups()


def set_below(name: str, value: object, top: str) -> dict[str, Any]:
    """``top.a.b`` with a value, as the parameters of ``top`` have it."""
    assert name.startswith(f"{top}.")
    nested: dict[str, Any] = {}
    OmegaConf.update(config := OmegaConf.create(nested), name.removeprefix(f"{top}."), value)
    return dict(OmegaConf.to_container(config))


PEOPLE = pd.DataFrame({"subject_id": [f"sub-{n:04d}" for n in range(1, 9)], "protected_group": ["A"] * 5 + ["B"] * 3})


def test_a_minimum_that_is_lowered_lets_a_group_be_split():
    given = {"min_test_per_group": 3}
    message = error_of(
        lambda: split_subjects(PEOPLE, parse_parameters(SplitParameters, given, "split"), pd.DataFrame())
    )

    (setting,) = read_from(message, r"lower (split\.\w+) or")

    lowered = parse_parameters(SplitParameters, {**given, **set_below(setting, 1, "split")}, "split")
    assert len(split_subjects(PEOPLE, lowered, pd.DataFrame())) == len(PEOPLE)


def cohort_of(**attributes: list[object]) -> Cohort:
    subjects = PEOPLE[["subject_id"]].assign(**{name: pd.Series(values) for name, values in attributes.items()})
    return Cohort(subjects, pd.DataFrame(), {}, lambda _: None)


SOME_MISSING = cohort_of(sex=["f", "m", None, "f", "m", "f", "m", "f"])
NONE_KNOWN = cohort_of(sex=[None] * 8, site=["north", "south"] * 4)


def test_subjects_without_the_protected_attribute_can_be_dropped():
    given = {"protected_attribute": "sex"}
    message = error_of(lambda: index_subjects(SOME_MISSING, AttributeParameters(**given)))

    setting, value = read_from(message, r"set (attributes\.\w+) to '(\w+)' to leave them out")

    changed = parse_parameters(AttributeParameters, {**given, **set_below(setting, value, "attributes")}, "attributes")
    assert len(index_subjects(SOME_MISSING, changed)) == 7


def test_another_protected_attribute_that_is_known_can_be_set():
    message = error_of(lambda: index_subjects(NONE_KNOWN, AttributeParameters(protected_attribute="sex")))

    setting, name = read_from(message, r"set (attributes\.\w+) to one that is known: (\w+)")

    changed = parse_parameters(AttributeParameters, set_below(setting, name, "attributes"), "attributes")
    assert set(index_subjects(NONE_KNOWN, changed)["protected_group"]) == {"north", "south"}


def test_a_name_that_was_meant_is_one():
    message = error_of(lambda: parse_parameters(TrainingParameters, {"epoch": 4}, "training"))

    (setting,) = read_from(message, r"did you mean (training\.\w+)\?")

    assert parse_parameters(TrainingParameters, set_below(setting, 4, "training"), "training").epochs == 4


@pytest.mark.parametrize("value", ["on", "007", "1e3", "false"])
def test_a_text_in_two_pairs_of_quotes_is_a_text_on_the_command_line(value: str):
    message = error_of(
        lambda: parse_parameters(AuditColumns, set_by(f"audit_columns.subject={value}"), "audit_columns")
    )

    (quoted,) = read_from(message, r"e\.g\. --params (\".*\")$")

    (item,) = shlex.split(quoted)
    assert isinstance(parse_parameters(AuditColumns, set_by(item), "audit_columns").subject, str)


def set_by(item: str) -> dict[str, Any]:
    """What an item of ``--params`` sets below ``audit_columns``."""
    return {"subject": OmegaConf.from_dotlist([item])["audit_columns"]["subject"]}


@pytest.mark.parametrize("value", [2024, True])
def test_a_name_that_yaml_changes_is_a_path_with_a_dot_and_a_slash(value: object):
    with pytest.raises(NotPermittedError) as error:
        given_path(value)
    assert error.value.remedy.startswith("write ./ before a name")

    assert given_path(f"./{value}").endswith(str(value))


def test_the_home_folder_has_a_variable():
    refused = CliRunner().invoke(run, ["--params", "source_root=~"]).output

    assert "write $HOME for the home folder" in refused
    assert given_path(str(Path.home())) == str(Path.home())


SCORED = pd.Index(["9001", "9002", "9003"], name="subject_id")
DEMOGRAPHICS = pd.DataFrame({"participant": ["9001", "9002", "9003"], "sex": ["f", "m", "f"]})


def test_the_column_of_ids_that_an_audit_has_found_is_the_right_one():
    message = error_of(lambda: join_demographics(SCORED, DEMOGRAPHICS, AuditColumns()))

    setting, name = read_from(message, r"set (audit_columns\.\w+)=(\w+)")

    columns = parse_parameters(AuditColumns, set_below(setting, name, "audit_columns"), "audit_columns")
    assert len(join_demographics(SCORED, DEMOGRAPHICS, columns)[0]) == len(SCORED)


def test_the_pattern_that_an_audit_has_found_reads_the_ids():
    cases = [f"scan_{one}_ED.nii.gz" for one in SCORED]
    people = DEMOGRAPHICS.rename(columns={"participant": "subject_id"})
    message = error_of(lambda: join_demographics(pd.Index(["scan"]), people, AuditColumns(), cases))

    setting, pattern = read_from(message, r"set (audit_columns\.\w+) to '(.*)'$")

    columns = parse_parameters(AuditColumns, set_below(setting, pattern, "audit_columns"), "audit_columns")
    assert {re.fullmatch(columns.case_pattern, one.removesuffix(".nii.gz"))["subject"] for one in cases} == set(SCORED)


def test_a_table_in_latin_1_is_saved_again_as_utf_8(tmp_path: Path):
    path = tmp_path / "people.csv"
    path.write_bytes("subject_id,site\n1,Köln\n".encode("latin-1"))
    assert "save it again as UTF-8" in error_of(lambda: read_user_table(path, "audit_demographics"))

    path.write_text(path.read_text(encoding="latin-1"), encoding="utf-8")

    assert read_user_table(path, "audit_demographics")["site"].tolist() == ["Köln"]


POOL = pd.DataFrame(
    {
        "subject_id": [f"sub-{n:04d}" for n in range(40)],
        "protected_group": ["A"] * 32 + ["B"] * 4 + ["C"] * 4,
        "sex": (["f", "m"] * 16) + ["f", "m"] * 2 + ["f"] + ["m"] * 3,
    }
)


def test_a_balanced_cohort_with_too_few_of_a_value_is_relaxed_or_shortened():
    message = error_of(lambda: check_shortages([POOL], BalancedCohort(within=("sex",)), "balanced"))

    setting, value, shortened = read_from(message, r"set (\S+) to '(\w+)' .* or shorten (\S+)$")

    top = "balanced.strategy.cohort"
    relaxed = parse_parameters(BalancedCohort, {"within": ["sex"], **set_below(setting, value, top)}, top)
    check_shortages([POOL], relaxed, "balanced")
    check_shortages([POOL], parse_parameters(BalancedCohort, set_below(shortened, [], top), top), "balanced")


@pytest.mark.parametrize(("share", "word", "better"), [(0.5, "lower", 0.3), (0.01, "increase", 0.3)])
def test_a_share_is_lowered_or_raised(share: float, word: str, better: float):
    message = error_of(lambda: draw_smallest_share(POOL, SmallestShareCohort(share=share), "few"))

    (setting,) = read_from(message, rf"^(few\.strategy\.cohort\.\w+): .*{word} it$")

    changed = parse_parameters(
        SmallestShareCohort, set_below(setting, better, "few.strategy.cohort"), "few.strategy.cohort"
    )
    assert draw_smallest_share(POOL, changed, "few")


def test_an_odd_number_of_epochs_becomes_the_even_one():
    message = error_of(lambda: half_of(7, "the stages of a fit"))

    (epochs,) = read_from(message, r"set it to (\d+)$")

    assert half_of(int(epochs), "the stages of a fit") == 4


def test_a_secret_of_enough_characters_is_accepted(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("short")
    message = error_of(lambda: parse_naming({"salt_file": str(secret)}))
    assert "openssl rand -hex 32" in message

    secret.write_bytes(np.random.default_rng(0).bytes(32).hex().encode())

    parse_naming({"salt_file": str(secret)})


def test_ids_that_are_no_file_names_can_be_numbered():
    message = error_of(lambda: keep_source_ids({"Jane Doe/1": "a"}))

    (way,) = read_from(message, r"set names of the catalog entry to (\w+)$")

    parse_naming(way)


# --- a raw data set of nnU-Net ---


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "Dataset042_Heart"
    for phase in Phase:
        save(folder / "imagesTr" / f"p1_{phase}_0000.nii.gz", ramp())
        save(folder / "labelsTr" / f"p1_{phase}.nii.gz", drawn())
    (folder / "demographics.csv").write_text("subject_id,sex\np1,f\n")
    describe(folder, {"background": 0, "RV": 1, "MLV": 2, "LVC": 3})
    return folder


def describe(folder: Path, labels: Mapping[str, int]) -> None:
    content = {"channel_names": {"0": "MRI"}, "labels": labels, "numTraining": 2, "file_ending": ".nii.gz"}
    (folder / "dataset.json").write_text(json.dumps(content))


def prepared(folder: Path, parameters: Mapping[str, Any]) -> NnunetRaw:
    source = NnunetRaw(folder, parse_parameters(NnunetParameters, dict(parameters), "cohort.parameters"))
    source.prepare(folder)
    source.scan_files()
    return source


def test_labels_of_other_structures_are_left_out_as_the_error_says(raw: Path):
    describe(raw, {"background": 0, "RV": 1, "MLV": 2, "LVC": 3, "LA": 4, "RA": 5})
    message = error_of(lambda: prepared(raw, {}))

    names, example = read_from(
        message, r"--params labels_left_out=(\S+), .* cohort\.parameters\.label_names: (\{.*?\})"
    )

    assert prepared(raw, {"labels_left_out": names}).omissions()
    assert prepared(raw, {"label_names": OmegaConf.create(example)}).omissions()


def test_cases_of_other_names_are_read_by_a_pattern_or_given_a_phase(raw: Path):
    for path in [*raw.glob("imagesTr/*"), *raw.glob("labelsTr/*")]:
        path.rename(path.with_name(path.name.replace("_ED", "-dia").replace("_ES", "-sys")))
    message = error_of(lambda: prepared(raw, {}))

    pattern, phase = read_from(message, r"set (cohort\.parameters\.\w+) or (cohort\.parameters\.\w+) in conf/<env>")

    top = "cohort.parameters"
    assert prepared(raw, set_below(phase, "ED", top)).scan_files()
    with pytest.raises(FaircmrError, match=re.escape(pattern)):
        prepared(raw, set_below(pattern, r"(?P<subject>x\d+)_(?P<phase>ED|ES)", top))


def test_a_table_of_another_name_is_named(raw: Path):
    (raw / "demographics.csv").rename(raw / "people.csv")
    message = error_of(lambda: prepared(raw, {}))

    (setting,) = read_from(message, r"or set (cohort\.parameters\.\w+)")

    assert list(prepared(raw, set_below(setting, "people.csv", "cohort.parameters")).attributes().index) == ["p1"]


def test_one_of_two_files_of_a_scan_is_removed(raw: Path):
    copy = raw / "imagesTr" / "p1_ED_0000.nii"
    copy.touch()
    assert "remove one of the two" in error_of(lambda: prepared(raw, {}))

    copy.unlink()

    assert len(prepared(raw, {}).scan_files()) == 2
