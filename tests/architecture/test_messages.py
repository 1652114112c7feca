"""What a message tells the user to set, run or look at exists: parameters, options, files, pipelines, nodes, targets.

A remedy that names a parameter which is not there costs whoever follows it more than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from tests.architecture import messages as there_are
from tests.architecture.messages import HOLE, STRATEGY, Message, messages

DOTTED = re.compile(r"(?<![\w./<>])(?:<strategy>|\{\}|[A-Za-z]\w*)(?:\.[A-Za-z_]\w*)+(?![\w/(*])")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
STUDY_FILE = re.compile(r"\b\d\d_[a-z_]+(?:/[\w.-]+)*")
NAMED_FILE = re.compile(r"(?<![\w./*{}<>])[a-z]\w*\.(?:csv|parquet|html|json|yml|png|svg)\b")
PIPELINES = re.compile(r"--pipelines (\w+)|\brun (\w+) again|\bthe pipeline (?!of\b)(\w+)")
NODES = re.compile(r"--(?:from-|to-)?nodes (\w+)")
TARGET = re.compile(r"\b(?:run|with) make ([a-z-]+)")
EXTRA = re.compile(r"faircmr\[(\w+)\]")
SNAKE = re.compile(r"(?<![\w./<{-])[a-z]+(?:_[a-z0-9]+)+(?![\w/(=.}])")
ADVICE = re.compile(r"\b(?:set|raise|lower|shorten|choose|correct|give|name|leave out)\b")
"""Words with which a remedy begins that names a setting."""

NOT_OURS = {
    "distributed.comm.tls": "Dask's own configuration",
    "jobqueue.slurm": "Dask's own configuration",
    "results.all": "nnU-Net's summary.json, version 1",
    "f.eid": "column of UK Biobank's tables",
    "participant.eid": "column of UK Biobank's tables",
    "stages.unknown_group": "of the strategy whose place the error names",
    "faircmr.segmentation.training.fit_process": "a module: python -m",
    "cohort.within": "of the strategy whose place the error names",
}
"""Dotted names that are no parameters, and what they are."""
OTHER_PROGRAMS = {
    "--include": "grep",
    "--raw": "gdcmconv",
    "--resources": "dask worker",
}
BROUGHT = {
    "summary.json": "nnU-Net's scores",
    "scd_patientdata.csv": "Sunnybrook's table",
    "link.csv": "made for Sunnybrook: docs/cohorts.md",
    "globals.yml": "in conf",
    "catalog.yml": "in conf",
}
"""Files that a study reads and does not write."""
NOT_SETTINGS = {
    "short_axis": "a name of a file",
    "fair_meta_learning": "a value of objective",
    "xyzt_units": "a field of a NIfTI header",
    "subject_id": "a column",
    "protected_group": "a column",
    "unknown_group": "of stages, which the same sentence names in full",
    "data_engineering": "a pipeline",
    "left_out": "a meaning of a label",
    "metric_per_case": "a key of nnU-Net's summary.json",
    "case_pattern": "an argument of study_splits",
    "label_values": "an attribute of a source's class",
}
"""Words with an underscore in remedies that are no settings, and what they are."""

every_message = messages()


def named(pattern: re.Pattern[str]) -> Iterator[tuple[Message, str]]:
    for message in every_message:
        for found in pattern.finditer(message.text):
            yield message, next((group for group in found.groups() if group), found.group())


def unknown(pattern: re.Pattern[str], is_there: Callable[[str], bool]) -> list[str]:
    return [f"{message.place}: {name}" for message, name in named(pattern) if not is_there(name)]


def is_parameter(name: str) -> bool:
    """Whether a dotted name can be set; names that do not begin as a parameter does are something else."""
    plain = re.sub(r"^(?:<strategy>|\{\})", STRATEGY, name)
    beginning = plain.partition(".")[0]
    if beginning not in there_are.roots() | {STRATEGY} or plain in NOT_OURS:
        return True
    if plain.endswith((".yml", ".csv", ".json", ".html", ".parquet")):
        return True
    return plain in there_are.parameter_names()


def test_there_are_messages_to_look_at():
    texts = " ".join(message.text for message in every_message)

    assert len(every_message) > 1000
    assert "quarantine.largest_share" in texts
    assert "audit_columns.case_pattern" in texts


def test_every_parameter_of_a_message_can_be_set():
    assert unknown(DOTTED, is_parameter) == []


def test_every_option_of_a_message_is_one_of_the_command():
    known = there_are.options() | OTHER_PROGRAMS.keys()

    assert unknown(OPTION, known.__contains__) == []


def test_every_file_of_a_study_in_a_message_is_one_of_the_catalog():
    known = there_are.study_files()

    assert unknown(STUDY_FILE, lambda name: HOLE in name or name.rstrip(".") in known) == []


def test_every_file_that_a_message_names_alone_is_there():
    known = there_are.study_files() | BROUGHT.keys()

    assert unknown(NAMED_FILE, known.__contains__) == []


def test_every_pipeline_and_node_of_a_message_is_registered():
    assert unknown(PIPELINES, lambda name: name in there_are.pipelines() | {"it", "both"}) == []
    assert unknown(NODES, there_are.node_names().__contains__) == []


def test_every_target_and_extra_of_a_message_is_there():
    assert unknown(TARGET, there_are.make_targets().__contains__) == []
    assert unknown(EXTRA, there_are.extras().__contains__) == []


def test_every_setting_of_a_remedy_has_its_whole_name():
    known = there_are.parameter_names() | NOT_SETTINGS.keys() | there_are.pipelines()
    advice = {message.place for message in every_message if ADVICE.search(message.text)}

    assert [one for one in unknown(SNAKE, known.__contains__) if one.rpartition(": ")[0] in advice] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("set quarantine.largest_shar to 1", "quarantine.largest_shar"),
        ("lower cohort.share", "cohort.share"),
        ("set <strategy>.strategy.cohort.shar", "<strategy>.strategy.cohort.shar"),
        ("set {}.strategy.cohort.too_fw to 'relax'", "{}.strategy.cohort.too_fw"),
    ],
)
def test_a_name_that_is_none_is_found(text: str, found: str):
    assert [name for name in DOTTED.findall(text) if not is_parameter(name)] == [found]


@pytest.mark.parametrize(
    "text",
    [
        "raise quarantine.largest_share",
        "set <strategy>.strategy.cohort.share",
        "set {}.strategy.cohort.within",
        "set reading.spacing_in_plane and reading.grids",
        "correct cohort.parameters.label_names",
    ],
)
def test_a_name_that_is_one_passes(text: str):
    assert [name for name in DOTTED.findall(text) if not is_parameter(name)] == []


@pytest.mark.parametrize(
    "listed", [NOT_OURS, OTHER_PROGRAMS, BROUGHT, NOT_SETTINGS], ids=["dotted names", "options", "files", "words"]
)
def test_no_exception_is_listed_in_vain(listed: dict[str, str]):
    texts = " ".join(message.text for message in every_message)

    assert [name for name in listed if name not in texts] == []
