"""The names of ``conf/base/globals.yml``, with the values that each of them permits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from faircmr.core.errors import InvalidParameterError
from faircmr.core.folder_names import nnunet_dataset_name, strategy_name
from faircmr.core.given_paths import GivenPath
from faircmr.core.parameters import Parameters, Words
from faircmr.core.reading import DEFAULT_READING, ReadingParameters
from faircmr.core.validation import validated
from faircmr.sources.synthetic.parameters import Count, GroupSizes, ShiftStrength

READ_FOLDERS = ("source_root", "predict_root", "audit_predictions", "audit_references")
"""Folders that are searched for scans or masks: what the study writes must not be found there."""
FOLDERS = ("data_root", "compare_root", *READ_FOLDERS)
FILES = ("audit_scores", "audit_demographics")


class StudySettings(Parameters):
    """What ``globals.yml`` of the base and of the run's environment, and the command line, say together.

    Names of somebody's own in ``conf/base/globals.yml`` are permitted and not checked.

    Attributes:
        data_root: Folder of the study.
        source_root: Folder of the raw scans; ``None`` for the place that the catalog names. The same holds for
            ``predict_root``, ``compare_root`` and what is audited.
        workers: Scans that are read at the same time; ``None`` for as many as there are CPUs.
        previews: Whose data Kedro-Viz may show.
        cohort_seed: Of the embedded cohort, as are the four that follow.
        predict_strategy: The trained strategy that segments unlabelled scans.
        labels_left_out: Labels of ``dataset.json`` that count as background.
        reading: What is believed of the headers of scans and masks.
        nnunet_dataset: Folder name of the exported data set.
    """

    model_config = ConfigDict(extra="allow")

    data_root: GivenPath = "data"
    source_root: GivenPath | None = None
    workers: Annotated[int, Field(ge=1)] | None = None
    previews: Literal["synthetic", "everybody", "nobody"] = "synthetic"
    cohort_seed: Count = 0
    shift_strength: ShiftStrength = 1.0
    training_subjects: GroupSizes = GroupSizes()
    validation_subjects: Count = 3
    test_subjects: Count = 20
    predict_root: GivenPath | None = None
    predict_strategy: Annotated[str, AfterValidator(strategy_name)] = "baseline"
    audit_scores: GivenPath | None = None
    audit_demographics: GivenPath | None = None
    audit_predictions: GivenPath | None = None
    audit_references: GivenPath | None = None
    labels_left_out: Words = ()
    reading: ReadingParameters = DEFAULT_READING
    nnunet_dataset: Annotated[str, AfterValidator(nnunet_dataset_name)] = "Dataset101_Study"
    compare_root: GivenPath | None = None


def checked_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same names with checked values: paths with the home folder written out, numbers as numbers.

    Raises:
        InvalidParameterError: A value is not permitted.
    """
    return validated(StudySettings, dict(values), "").model_dump(exclude_unset=True)


def check_places(settings: Mapping[str, Any], project: Path) -> None:
    """Compare the paths with each other and with what is on disk.

    Args:
        settings: As :func:`checked_settings` returns them.
        project: Folder that relative paths start from.

    Raises:
        InvalidParameterError: A folder is a file or the other way round, or the study is inside of a folder that is
            searched for scans.
    """
    given = {name: project / settings[name] for name in (*FOLDERS, *FILES) if settings.get(name) is not None}
    for name, path in given.items():
        if path.exists() and path.is_dir() == (name in FILES):
            found, permitted = ("a folder", "a file") if path.is_dir() else ("a file", "a folder")
            raise InvalidParameterError(name, found, permitted, f"name {permitted}")
    study = given.get("data_root")
    for name in READ_FOLDERS:
        if study is not None and name in given and study.resolve().is_relative_to(given[name].resolve()):
            raise InvalidParameterError(
                "data_root",
                f"inside of {name}",
                f"a folder outside of {name}, in which files of the study would be taken for scans",
                "choose another data_root",
            )
