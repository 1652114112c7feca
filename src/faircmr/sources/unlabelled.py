"""A folder of unlabelled scans: which files are short-axis images, and of which subject.

A name is the name of a file without its suffix, or of a folder. Words in it are separated by anything but letters and
digits, and case does not matter: ``la_2ch``, ``LAX-4Ch`` and ``long axis`` all name a long-axis view.

``<id>.nii.gz`` (also ``<id>_4d``, ``<id>_cine``) is a cine or a single volume; ``<id>_ED`` and ``<id>_ES``,
or ``<id>_frameNN``, are single frames of one subject. They are in the folder or below it, ``.nii`` or ``.nii.gz`` in
any case; nnU-Net's suffix ``_0000`` is no part of a name. What names tell to be something else than a short-axis image
(this module) is left out with its reason. An image whose name states no view is looked at when it
is read.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from faircmr.core import InvalidCohortError, InvalidScanError, Omission
from faircmr.core.scans import Frame, Geometry, Image, Phase
from faircmr.core.study import DEFAULT_READING, ReadingParameters
from faircmr.core.user_input import nifti_stem
from faircmr.sources.cines import read_cine
from faircmr.sources.files import FolderWalk, Listing

MASK = "a mask or a prediction by its name"
LONG_AXIS = "long axis by its name"
VESSELS = "aorta, outflow tract or flow by its name"
SEQUENCE = "another sequence than cine by its name (mapping, late enhancement, perfusion, tagging)"
SCOUT = "a scout or a plane of the body by its name"
FEWEST_SLICES = 2
CLOSEST_SLICES = 3.0
"""Millimetres between slices below which an image without a view in its name is none of a short-axis stack: those have
5 to 13 mm (ACDC, M&Ms, UK Biobank), and 3-D acquisitions of the whole heart and CT have 2 mm or less."""
LONGEST_STACK = 250.0
"""Millimetres from the first slice to the last: a heart with its vessels is shorter, a scout of the chest longer."""
MOST_MASK_VALUES = 16
"""Different intensities up to which an image of whole numbers is a mask; the poorest of 100 volumes of ACDC has 141."""
VOXELS_A_VALUE = 10
"""Voxels for each different intensity that an image must have at least, for this to be judged."""
SAMPLED = 4096
"""Voxels of an image that are looked at first: those of an MR image have more different intensities."""
CHANNEL = re.compile(r"(?P<case>.+)_(?P<number>\d{4})")
"""A name as nnU-Net has it, with the number of the channel."""
MOST_CHANNELS = 4
"""Images of one case up to which ``_0000``, ``_0001``, ... number channels and not subjects."""

_MASK_WORDS = (
    r"gt|ground ?truth|seg\d*|segm|segs|segmentations?|labels?(?:t[rs])?|label ?maps?|lbl|masks?|preds?|predicted|"
    r"predictions?|infer(?:ts)?|inferred|contours?|manual|annot\w*|prob|probs|probabilit\w+|softmax|uncertainty|entropy"
)
_SHORT_AXIS = r"(?:cine)?sax?(?:\d+|stack|cine)?|short ?ax\w*|kurz(?:e ?)?achse|petit ?axe|eje ?corto"
_OTHER_VIEWS = {
    LONG_AXIS: (
        # not the Spanish and French article in a person's name
        r"(?<! de )(?:cine)?la|(?:cine)?lax(?:\d+|stack|cine)?|lax?\d ?ch|(?:lax? ?)?[2-5] ?ch(?:amber)?s?(?:lax?)?|"
        r"(?:two|three|four|five) ?ch(?:amber)?s?|[2-5] ?cv|[2-5] ?cav\w*|[2-5] ?k(?:b|ammer\w*)|a[2-5]ch?|long ?ax\w*|"
        r"[hv]la|lang(?:e ?)?achse|grand ?axe|eje ?largo"
    ),
    VESSELS: (
        r"ao|aov|aorta\w*|aortic|[lr]vot|(?:[24]d ?)?flow(?:[24]d)?|venc\d*|phase ?contrast|pcmri?|pulm\w*|angio\w*|mra"
    ),
    SEQUENCE: (
        r"t[12](?:w|star|rho|map\w*|prep\w*)?|(?:sh)?molli|sasha|mapping|ecv|lge|psir|stir|haste|dixon|delayed ?enh\w*|"
        r"late ?(?:gad|enh)\w*|perf(?:usion)?|first ?pass|tag|tags|tagged|tagging|spamm"
    ),
    SCOUT: r"scouts?|locali[sz]ers?|survey|axial|transvers\w*|tra|coronal|sagittal|sag",
}
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_LATE_ENHANCEMENT = re.compile(r"[^a-z0-9]DE$", re.ASCII)
"""Delayed enhancement, as in MyoPS; in lower case, or elsewhere, it is a word of many languages."""


def _word(pattern: str) -> re.Pattern[str]:
    # words are padded with one space on each side, see _words
    return re.compile(rf"(?<= )(?:{pattern})(?= )")


_IS_MASK, _IS_SHORT_AXIS = _word(_MASK_WORDS), _word(_SHORT_AXIS)
_IS_OTHER: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {reason: _word(pattern) for reason, pattern in _OTHER_VIEWS.items()}
)


def rejection_by_name(names: Sequence[str]) -> str:
    """Why an image is not taken, as far as names tell.

    Masks are told from the names of the file and of all folders. Of the view, the name nearest to the file decides
    that names one; what is not short axis takes precedence in it, because a tagged image may be called ``tagging_SAX``.

    Args:
        names: Of the file without its suffix, then of its folders, the nearest first.

    Returns:
        The reason, without any name; empty where no name speaks against the image.
    """
    if any(_IS_MASK.search(_words(name)) for name in names):
        return MASK
    return next((view for view in map(_view_rejection, names) if view is not None), "")


def is_named_short_axis(names: Sequence[str]) -> bool:
    """Whether names tell that an image is short axis.

    Args:
        names: Same as for :func:`rejection_by_name`.
    """
    return next((view for view in map(_view_rejection, names) if view is not None), None) == ""


def further_channels(stems: Iterable[str]) -> frozenset[str]:
    """Names of second and further channels: ``case_0001``, where ``case_0000`` or ``case`` is in the same folder.

    Args:
        stems: Names of the files of one folder, without suffixes.

    Returns:
        None where the numbers are not 0, 1, 2, ... or are more than :data:`MOST_CHANNELS`: those number subjects.
    """
    names = frozenset(stems)
    cases: dict[str, dict[int, str]] = {}
    for match in filter(None, map(CHANNEL.fullmatch, names)):
        case = match["case"]
        cases.setdefault(case, {0: case} if case in names else {})[int(match["number"])] = match[0]
    of_channels = (one for one in cases.values() if sorted(one) == list(range(len(one))) and len(one) <= MOST_CHANNELS)
    return frozenset(stem for one in of_channels for number, stem in one.items() if number)


def check_stack(geometry: Geometry) -> None:
    """Refuse what is no short-axis stack by its slices; for images whose name states no view.

    A single slice is refused although single short-axis slices exist: long-axis views, aorta, flow and scouts all have
    one slice, and a volume in millilitres of one slice is none of a ventricle.

    Raises:
        InvalidScanError: It has one slice, slices closer than :data:`CLOSEST_SLICES`, or is longer than
            :data:`LONGEST_STACK`. The offender is ``scan``.
    """
    slices, step = geometry.shape[0], geometry.spacing[0]
    if slices < FEWEST_SLICES:
        raise _no_stack("the image has 1 slice")
    if round(step, 2) < CLOSEST_SLICES:
        raise _no_stack(f"the image has {slices} slices {step:.3g} mm apart, as 3-D acquisitions have")
    if step * (slices - 1) > LONGEST_STACK:
        raise _no_stack(f"the image has {slices} slices {step:.3g} mm apart, which reach beyond a heart")


def check_intensities(image: Image) -> None:
    """Refuse a mask, whatever it is called: whole numbers, few of them different.

    Args:
        image: Any shape. An image of one intensity is not judged here.

    Raises:
        InvalidScanError: It is a mask. The offender is ``scan``.
    """
    voxels = image.reshape(-1)
    if len(np.unique(voxels[:: max(1, voxels.size // SAMPLED)])) > MOST_MASK_VALUES:
        return
    values = np.unique(voxels)
    few = 1 < len(values) <= MOST_MASK_VALUES and voxels.size >= VOXELS_A_VALUE * len(values)
    if few and np.array_equal(values, np.round(values)):
        raise InvalidScanError(
            "scan",
            f"the image has {len(values)} different intensities, all whole numbers, as a mask has",
            "the intensities of an MR image",
            "move masks and predictions out of predict_root, or name them as such (_gt, _seg, _mask, _label, _pred)",
        )


def _view_rejection(name: str) -> str | None:
    """Empty for short axis, the reason for another view, ``None`` where a name states none."""
    words = _words(name)
    other = next((reason for reason, pattern in _IS_OTHER.items() if pattern.search(words)), None)
    if other is not None:
        return other
    if _LATE_ENHANCEMENT.search(name):
        return SEQUENCE
    return "" if _IS_SHORT_AXIS.search(words) else None


def _words(name: str) -> str:
    """Lower case, one space between words and at both ends."""
    return f" {_BETWEEN_WORDS.sub(' ', name.lower())} "


def _no_stack(found: str) -> InvalidScanError:
    return InvalidScanError(
        "scan",
        f"{found}, and no name says that it is short axis",
        f"a stack of {FEWEST_SLICES} slices or more, {CLOSEST_SLICES:g} mm apart or more, up to {LONGEST_STACK:g} mm",
        "if it is short axis, give the file or its folder a name with sa, sax or short_axis",
    )


SETTING = "predict_root"
LAYOUT = "*.nii or *.nii.gz there or in folders below, 3-D or 4-D"
DEEPEST = 16
"""Levels of folders below the root that are looked into: no data set is as deep, and links may lead anywhere."""
FURTHER_CHANNEL = "a further channel (_0001, _0002, ...) of an image whose first channel is taken"
FRAME = "a single frame of a subject that has a whole cine"
NO_NIFTI = "not called .nii or .nii.gz; convert DICOM and others first, for example with dcm2niix"
_FIRST_CHANNEL = re.compile(r"(.+?)_0000")
_FRAME = re.compile(r"(?:(?P<id>.+)[_.-])?(?:(?P<phase>ED|ES)|frame[_-]?(?P<number>\d+)|4d|cine)", re.IGNORECASE)


@dataclass(frozen=True)
class ImageFile:
    """One file, as far as its name tells.

    Attributes:
        path: The file.
        phase: Phase that the name states.
        number: Number of the frame in the name. Without phase and number the file is a whole acquisition.
        short_axis: Whether a name says that it is short axis. If not, slices and spacing have to.
    """

    path: Path
    phase: Phase | None = None
    number: int | None = None
    short_axis: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the file is all there is of its subject."""
        return self.phase is None and self.number is None


@dataclass(frozen=True)
class FoundScans:
    """What a folder holds; nothing is opened.

    Attributes:
        subjects: Files by source id, sorted; frames in their order.
        left_out: Why files are of no subject, by path, sorted.
        omissions: What was counted only.
    """

    subjects: Mapping[str, tuple[ImageFile, ...]]
    left_out: Mapping[Path, str]
    omissions: tuple[Omission, ...]

    @property
    def files(self) -> int:
        """Number of NIfTI files."""
        return sum(map(len, self.subjects.values())) + len(self.left_out)


def list_unlabelled(root: Path) -> FoundScans:
    """Files of every subject, and the files that are of none.

    Args:
        root: The folder.

    Returns:
        Where a subject has a whole acquisition and single frames as well (as ACDC has), the frames are left out.

    Raises:
        InvalidCohortError: There is no scan, or two files are the same frame of one subject.
        OSError: The folder cannot be read.
    """
    found: defaultdict[str, list[ImageFile]] = defaultdict(list)
    left_out: dict[Path, str] = {}
    others = 0
    walk = FolderWalk(root, DEEPEST)
    for listing in walk:
        folders = listing.path.relative_to(root).parts
        stems = {name: stem for name in sorted(listing.files) if (stem := nifti_stem(name)) is not None}
        others += len(listing.files) - len(stems)
        rejections = _rejections(listing, folders, stems)
        left_out |= rejections
        for name, stem in stems.items():
            if listing.path / name not in rejections:
                source_id, image = _parse_name(listing.path / name, stem, folders)
                found[source_id].append(image)
    if not found:
        raise _no_scans(left_out)
    _check_unique(found.values())
    chosen = {source_id: _select_files(found[source_id]) for source_id in sorted(found)}
    taken = {file.path for files in chosen.values() for file in files}
    left_out |= {file.path: FRAME for files in found.values() for file in files if file.path not in taken}
    counted = (Omission("files", others, None, NO_NIFTI),) if others else ()
    return FoundScans(chosen, dict(sorted(left_out.items())), (*counted, *walk.omissions(SETTING)))


def read_frames(
    files: Sequence[ImageFile], first_number: int, reading: ReadingParameters = DEFAULT_READING
) -> Iterator[Frame]:
    """Read the frames of one subject, one in memory at a time.

    Args:
        files: A whole acquisition, or single frames.
        first_number: Number that the names of this folder give to a cycle's first frame, 0 or 1.
        reading: Limits of the spacing.

    Raises:
        InvalidScanError: A file cannot be used, or is no short-axis image; the offender is ``scan``.
    """
    for file in files:
        for place, (index, scan) in enumerate(read_cine(file.path, reading)):
            if not place:
                # of one frame: all others have the same grid, and are not looked through in vain
                check_intensities(scan.image)
                if not file.short_axis:
                    check_stack(scan.geometry)
            if file.is_whole:
                yield Frame(index, None, scan)
                continue
            if index:
                raise InvalidScanError("scan", "several frames in a file that is named as one", "a 3-D file a frame")
            yield Frame(None if file.number is None else file.number - first_number, file.phase, scan)


def first_number(files: Iterable[Sequence[ImageFile]]) -> int:
    """Where the names of a folder's frames begin to count: at 1, as ACDC's, unless one is numbered 0."""
    return min([1, *(file.number for each in files for file in each if file.number is not None)])


def _rejections(listing: Listing, folders: Sequence[str], stems: Mapping[str, str]) -> dict[Path, str]:
    """Files of one folder that are left out by their names, with the reason."""
    channels = further_channels(stems.values())
    reasons = {
        name: FURTHER_CHANNEL if stem in channels else rejection_by_name([_without_channel(stem), *reversed(folders)])
        for name, stem in stems.items()
    }
    return {listing.path / name: reason for name, reason in reasons.items() if reason}


def _parse_name(path: Path, stem: str, folders: Sequence[str]) -> tuple[str, ImageFile]:
    """Source id, and what else the name says."""
    name = _without_channel(stem)
    short_axis = is_named_short_axis([name, *reversed(folders)])
    frame = _FRAME.fullmatch(name)
    if frame is None:
        return _source_id(folders, name), ImageFile(path, short_axis=short_axis)
    phase = Phase(frame["phase"].upper()) if frame["phase"] else None
    number = int(frame["number"]) if frame["number"] else None
    return _source_id(folders, frame["id"] or "") or name, ImageFile(path, phase, number, short_axis)


def _without_channel(stem: str) -> str:
    match = _FIRST_CHANNEL.fullmatch(stem)
    return match[1] if match else stem


def _source_id(folders: Sequence[str], name: str) -> str:
    # sub/sub_frame01 is of sub, sub/sa is of sub_sa: the same name elsewhere is another subject
    for folder in reversed(folders):
        if name != folder and not re.match(rf"{re.escape(folder)}[_.-]", name):
            name = f"{folder}_{name}" if name else folder
    return name


def _no_scans(left_out: Mapping[Path, str]) -> InvalidCohortError:
    if not left_out:
        return InvalidCohortError(
            SETTING, "no scans found there", LAYOUT, "set predict_root to the folder of the scans"
        )
    reasons = Counter(left_out.values()).most_common()
    return InvalidCohortError(
        SETTING,
        f"none of {len(left_out)} files there is a short-axis image",
        "; ".join(f"{count}: {reason}" for reason, count in reasons),
        "set predict_root to the folder of the short-axis scans, or give them names with sa, sax or short_axis",
    )


def _check_unique(subjects: Iterable[Sequence[ImageFile]]) -> None:
    repeated = sum(
        count > 1 for files in subjects for count in Counter((file.phase, file.number) for file in files).values()
    )
    if repeated:
        raise InvalidCohortError(
            SETTING, f"{repeated} scans are there twice", "each scan once", "remove or rename one of the two"
        )


def _select_files(files: Sequence[ImageFile]) -> tuple[ImageFile, ...]:
    whole = tuple(file for file in files if file.is_whole)
    # ED before ES before numbers
    return whole or tuple(sorted(files, key=lambda file: (file.phase or "frame", file.number or 0)))
