"""Write one person of the embedded cohort: four NIfTI files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faircmr.core.anatomy import Phase
from faircmr.core.scan import ScanFiles
from faircmr.sources.nifti import write_image, write_label
from faircmr.sources.synthetic.parameters import SyntheticParameters
from faircmr.sources.synthetic.placement import stack_geometry
from faircmr.sources.synthetic.shift import group_shift
from faircmr.sources.synthetic.subject import synthesise

PHASES = (Phase.ED, Phase.ES)


def subject_files(root: Path, source_id: str) -> dict[Phase, ScanFiles]:
    """Where image and label of each phase of a person lie."""
    return {
        phase: ScanFiles(root / f"{source_id}_{phase}.nii.gz", root / f"{source_id}_{phase}_label.nii.gz")
        for phase in PHASES
    }


def write_subject(root: Path, parameters: SyntheticParameters, source_id: str) -> None:
    """Draw one person and write both phases.

    Raises:
        OutputError: The folder cannot be written.
    """
    shift = group_shift(parameters.cohort_seed, source_id[0], parameters.shift_strength)
    subject = synthesise(parameters, source_id, shift)
    geometry = stack_geometry(parameters)
    for index, files in enumerate(subject_files(root, source_id).values()):
        write_image(files.image, subject.images[index].astype(np.int16), geometry)
        if files.label is not None:
            write_label(files.label, subject.labels[index], geometry)
