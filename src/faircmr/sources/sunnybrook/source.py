"""Sunnybrook Cardiac Data: 45 patients, the left ventricle alone, its myocardium at end diastole alone.

Source: Radau et al. 2009, "Evaluation Framework for Algorithms Segmenting Short Axis Cardiac MRI", The MIDAS
Journal; the data are in the public domain (CC0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import pandas as pd

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.omissions import Omission
from faircmr.core.parallel import worker_count
from faircmr.core.parameters import Parameters
from faircmr.sources.base import NoParameters, Rejection, SourceFiles, no_scans
from faircmr.sources.conversion import Acquisition, Converted, conversion_omissions, convert_all
from faircmr.sources.demographics_table import age_class, coded, numbers
from faircmr.sources.sunnybrook.converting import SunnybrookConverter, phase_files
from faircmr.sources.sunnybrook.files import (
    LAYOUT,
    ORIGINAL_ID,
    TABLE,
    FoundFiles,
    SubjectFiles,
    find_files,
    find_table,
    read_patients,
)

SEXES = {"f": "female", "m": "male"}
RESTORE = "restore the images that the numbers of the contours name"
KEEP_ONE = "keep the series that was drawn on, and move the others out of source_root"


class Sunnybrook:
    """The cines of Sunnybrook, with the contours of its expert.

    Attributes are ``pathology`` (``HF-I`` and ``HF-NI``, heart failure with and without infarction; ``HYP``,
    hypertrophy; ``N``, normal) and, where ``scd_patientdata.csv`` is there, ``sex``, ``age`` and ``age_class``.
    """

    parameters_type: ClassVar[type[Parameters]] = NoParameters
    label_values: Mapping[int, Structure] = MappingProxyType({int(one): one for one in (Structure.LVBP, Structure.LVM)})

    def __init__(self, root: Path, parameters: Parameters) -> None:
        """Remember where the data lie; nothing is read yet."""
        self._root = root
        self._converted: Mapping[str, Converted] = {}

    def prepare(self, own: Path) -> None:
        """Convert whoever has images and contours and is not converted yet.

        Args:
            own: Folder of the converted scans; nothing in it is named after a subject.

        Raises:
            InvalidCohortError: There are no subjects, or the table does not link their ids.
            OutputError: The folder cannot be written.
        """
        usable = self._usable
        if not usable:
            raise no_scans(LAYOUT)
        acquisitions = [
            Acquisition(subject, (*found[0].values(), *files.contours))
            for subject, files in usable.items()
            if len(found := files.drawn_on()) == 1
        ]
        self._converted = convert_all(acquisitions, SunnybrookConverter(), own, worker_count(None))

    def scan_files(self) -> SourceFiles:
        """Image and label of both phases of everybody who could be converted."""
        return {
            (subject, phase): phase_files(each.folder, phase)
            for subject, each in self._converted.items()
            if not each.record.reason
            for phase in Phase
        }

    def rejected(self) -> Mapping[str, Rejection]:
        """Subjects whose contours belong to no series or to several, or whose images are no cine."""
        doubtful = {
            subject: f"{count} series that hold all images with contours; one; {KEEP_ONE if count else RESTORE}"
            for subject, files in self._usable.items()
            if (count := len(files.drawn_on())) != 1
        }
        unreadable = {subject: each.record.reason for subject, each in self._converted.items() if each.record.reason}
        return {
            subject: Rejection(self._found.subjects[subject].contours[0], reason)
            for subject, reason in {**doubtful, **unreadable}.items()
        }

    def omissions(self) -> Sequence[Omission]:
        """Subjects with images or contours alone, and what conversion put right or left out."""
        found = self._found.subjects.values()
        lacking = {
            "images without contours": sum(not one.contours for one in found),
            "contours without images": sum(not one.series for one in found),
        }
        alone = [Omission("subjects", count, len(found), reason) for reason, count in lacking.items() if count]
        return (*alone, *conversion_omissions(self._converted), *self._found.unlisted)

    def attribute_files(self) -> Sequence[Path]:
        """The table of patients."""
        table = find_table(self._root)
        return [] if table is None else [table]

    def attributes(self) -> pd.DataFrame:
        """What the ids and the table say of everybody who can be used.

        Raises:
            InvalidCohortError: The table lists a patient twice.
        """
        subjects = pd.Index(sorted(self._usable), name="source_id", dtype="str")
        table = self._patients.set_index("originalid").reindex(subjects)
        known = {"pathology": subjects.to_series().str.extract(ORIGINAL_ID.pattern)["pathology"]}
        if "gender" in table:
            known["sex"] = coded(table, "gender", SEXES, TABLE)
        if "age" in table:
            known["age"] = numbers(table, "age", TABLE)
            known["age_class"] = age_class(known["age"])
        return pd.DataFrame(known)

    @property
    def _usable(self) -> Mapping[str, SubjectFiles]:
        return {subject: files for subject, files in self._found.subjects.items() if files.series and files.contours}

    @cached_property
    def _found(self) -> FoundFiles:
        return find_files(self._root, self._patients)

    @cached_property
    def _patients(self) -> pd.DataFrame:
        return read_patients(self._root)
