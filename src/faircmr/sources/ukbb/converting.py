"""An archive of DICOM and one of contours made into the scans of end diastole and end systole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faircmr.core.anatomy import Phase
from faircmr.core.errors import InvalidScanError
from faircmr.core.pseudonyms import pseudonym
from faircmr.sources.archives import Archive, ArchiveLimits
from faircmr.sources.cine_writing import write_cine
from faircmr.sources.conversion import Acquisition, Outcome
from faircmr.sources.cvi42.document import LARGEST, Annotation, read_workspace
from faircmr.sources.cvi42.labels import draw_labels
from faircmr.sources.dicom.cine import ShortAxisCine
from faircmr.sources.dicom.reading import read_short_axis
from faircmr.sources.nifti import write_image, write_label
from faircmr.sources.ukbb.files import phase_files

CINE = "sa.nii.gz"
OBSERVER = "observer"
WORKSPACE = ".cvi42wsx"
CONTOUR_LIMITS = ArchiveLimits(members=100, member_bytes=LARGEST, total_bytes=2 * LARGEST, ratio=1000.0)
"""A workspace is XML of some megabytes that shrinks to a twentieth or less."""


@dataclass(frozen=True)
class UkbbConverter:
    """Writes the layout of ukbb_cardiac.

    Attributes:
        cines: Whether the whole cine is written too, as ``sa.nii.gz``.
    """

    cines: bool

    @property
    def version(self) -> str:
        """As of :class:`~faircmr.sources.conversion.Converter`; raise the number when the scans become others."""
        return f"1 with cines {self.cines}"

    def __call__(self, acquisition: Acquisition, folder: Path, salt: bytes) -> Outcome:
        """Write the scans of one participant.

        Args:
            acquisition: Archive of images and, if somebody drew them, archive of contours.
            folder: Where to.
            salt: Keeps the annotator's name: ``observer`` is its pseudonym.

        Raises:
            InvalidScanError: An archive cannot be read, or its contours cannot be used.
        """
        images, *contours = acquisition.inputs
        annotation = read_annotation(contours[0]) if contours else None
        with Archive(images) as archive:
            cine = read_short_axis(archive, annotation.contours.keys() if annotation else ())
            if self.cines:
                write_cine(folder / CINE, cine)
            if annotation is None:
                return Outcome({}, cine.problems)
            problems = _write_phases(cine, annotation, folder)
        drawn_by = {OBSERVER: pseudonym(annotation.observer, salt)} if annotation.observer else {}
        return Outcome(drawn_by, (*cine.problems, *problems))


def read_annotation(path: Path) -> Annotation:
    """Contours of an archive ``<eid>_cvi42.zip``.

    Raises:
        InvalidScanError: It holds no workspace, or several.
    """
    with Archive(path, CONTOUR_LIMITS) as archive:
        workspaces = [name for name in archive.names if name.lower().endswith(WORKSPACE)]
        if len(workspaces) != 1:
            found = f"the archive of contours holds {len(workspaces)} workspaces"
            raise InvalidScanError("scan", found, f"one file *{WORKSPACE}")
        return read_workspace(archive.read(workspaces[0]))


def _write_phases(cine: ShortAxisCine, annotation: Annotation, folder: Path) -> tuple[str, ...]:
    _, rows, columns = cine.geometry.shape
    drawn = draw_labels(annotation, np.array(cine.uids), (rows, columns))
    for phase, frame in ((Phase.ED, drawn.ed), (Phase.ES, drawn.es)):
        files = phase_files(folder, phase)
        write_image(files.image, cine.frame(frame).astype(cine.stored_type), cine.geometry)
        if files.label is not None:
            write_label(files.label, drawn.labels[phase], cine.geometry)
    return drawn.problems
