"""Which images are short-axis images: by their names, else by slices and spacing; and which are masks.

A name is the name of a file without its suffix, or of a folder. Words in it are separated by anything but letters and
digits, and case does not matter: ``la_2ch``, ``LAX-4Ch`` and ``long axis`` all name a long-axis view.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from faircmr.core.errors import InvalidScanError
from faircmr.core.scan import Geometry, Image

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
    return next((view for view in map(_view, names) if view is not None), "")


def is_named_short_axis(names: Sequence[str]) -> bool:
    """Whether names tell that an image is short axis.

    Args:
        names: Same as for :func:`rejection_by_name`.
    """
    return next((view for view in map(_view, names) if view is not None), None) == ""


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


def _view(name: str) -> str | None:
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
