"""What the labels of ``dataset.json`` mean: structures, labels that are left out by name, and nnU-Net's ``ignore``.

Source: nnU-Net v2, ``documentation/dataset_format.md``, ``ignore_label.md`` and ``region_based_training.md``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from faircmr.core.anatomy import Structure
from faircmr.core.errors import InvalidCohortError, InvalidParameterError
from faircmr.core.label_coding import HIGHEST_VALUE, LabelValues, NoStructure
from faircmr.core.omissions import Omission
from faircmr.sources.nnunet_format import BACKGROUND, DESCRIPTION

LEFT_OUT, IGNORE = "left_out", "ignore"
NO_STRUCTURES: Mapping[str, NoStructure] = {LEFT_OUT: NoStructure.LEFT_OUT, IGNORE: NoStructure.UNANNOTATED}
"""What ``label_names`` can say of a label that is not a structure of the study."""
KNOWN_NAMES: Mapping[str, Structure] = {
    **dict.fromkeys(
        ("lvbp", "lv", "lvc", "lvcavity", "lvbloodpool", "leftventricle", "leftventricularcavity"), Structure.LVBP
    ),
    **dict.fromkeys(
        ("lvm", "myo", "mlv", "lvmyo", "lvmyocardium", "myocardium", "leftventricularmyocardium"), Structure.LVM
    ),
    **dict.fromkeys(
        ("rvbp", "rv", "rvc", "rvcavity", "rvbloodpool", "rightventricle", "rightventricularcavity"), Structure.RVBP
    ),
}
"""Names of labels, letters alone and in lower case: those of nnU-Net's own conversions of ACDC (``RV``, ``MLV``,
``LVC``) and M&Ms (``LVBP``, ``LVM``, ``RV``), and others in use."""
Labels = Mapping[str, int | list[int]]


@dataclass(frozen=True)
class NnunetLabels:
    """Labels of a data set.

    Attributes:
        values: Meaning of each value but 0.
        left_out: Names of the labels that are left out, in the order of ``dataset.json``.
        total: Labels in ``dataset.json``, without the background.
    """

    values: LabelValues
    left_out: tuple[str, ...]
    total: int

    @classmethod
    def of(cls, labels: Labels, own_names: Mapping[str, str], left_out: Collection[str] = ()) -> NnunetLabels:
        """Read the labels of ``dataset.json``.

        Args:
            labels: Value of each label, or values of a region, by name.
            own_names: Structure, ``left_out`` or ``ignore`` for names of labels that are not in :data:`KNOWN_NAMES`, or
                mean something else.
            left_out: Further names that are left out.

        Raises:
            InvalidCohortError: A label has an unknown name, or the value or the structure of another; no label is a
                structure.
            InvalidParameterError: A name that is given a meaning is not in ``dataset.json``.
        """
        foreground = {
            name: value for name, value in labels.items() if name.lower() != BACKGROUND or value not in (0, [0])
        }
        meanings = _meanings(foreground, {**own_names, **dict.fromkeys(left_out, LEFT_OUT)})
        values: dict[int, Structure | NoStructure] = {}
        for name, meaning in meanings.items():
            if meaning is not NoStructure.LEFT_OUT:
                _check(name, foreground[name], meaning, values)
                values |= dict.fromkeys(_listed(foreground[name]), meaning)
        if not any(isinstance(meaning, Structure) for meaning in values.values()):
            raise InvalidCohortError(
                DESCRIPTION, "no label is a structure", f"at least one of {', '.join(Structure.__members__)}"
            )
        omitted = tuple(name for name, meaning in meanings.items() if meaning is NoStructure.LEFT_OUT)
        for value in (value for name in omitted for value in _listed(foreground[name]) if 0 < value <= HIGHEST_VALUE):
            # a region that is left out may hold values of structures, which stay structures
            values.setdefault(value, NoStructure.LEFT_OUT)
        return cls(values, omitted, len(foreground))

    def omissions(self) -> Sequence[Omission]:
        """Labels that are left out, by name."""
        named = f"{', '.join(self.left_out)} (left out by name)"
        of = Omission("labels", len(self.left_out), self.total, named, outcome="treated as background")
        return [of] if self.left_out else []


def _meanings(labels: Labels, own: Mapping[str, str]) -> dict[str, Structure | NoStructure]:
    """Meaning of each label."""
    if foreign := [name for name in own if name not in labels]:
        raise InvalidParameterError(
            "cohort.parameters.label_names or labels_left_out",
            ", ".join(map(repr, foreign)),
            f"labels of {DESCRIPTION}: {', '.join(map(repr, labels))}",
            "correct the name",
        )
    # nnU-Net knows its ignore label by this very name
    said = {name: own.get(name, IGNORE if name == IGNORE else "") for name in labels}
    found = {name: _meaning(name, word) for name, word in said.items()}
    if unknown := [name for name, meaning in found.items() if meaning is None]:
        raise _unknown(unknown)
    return {name: meaning for name, meaning in found.items() if meaning is not None}


def _meaning(name: str, word: str) -> Structure | NoStructure | None:
    if word:
        return NO_STRUCTURES[word] if word in NO_STRUCTURES else Structure[word]
    return KNOWN_NAMES.get(re.sub(r"[^a-z]", "", name.lower()))


def _unknown(names: Sequence[str]) -> InvalidCohortError:
    shown = ", ".join(map(repr, names))
    example = ", ".join(f"{name}: {LEFT_OUT}" for name in names)
    return InvalidCohortError(
        DESCRIPTION,
        f"label {shown}" if len(names) == 1 else f"labels {shown}",
        f"names such as {', '.join(KNOWN_NAMES)}",
        f"leave out what is no structure of the study (--params labels_left_out={'+'.join(names)}, or in "
        f"conf/<env>/catalog.yml cohort.parameters.label_names: {{{example}}}), or say there which of "
        f"{', '.join(Structure.__members__)} it is",
    )


def _check(
    name: str, value: int | list[int], meaning: Structure | NoStructure, taken: Mapping[int, Structure | NoStructure]
) -> None:
    values = _listed(value)
    if meaning is NoStructure.UNANNOTATED and isinstance(value, list):
        raise InvalidCohortError(DESCRIPTION, f"label {name!r} of values {value}", "one value for voxels to ignore")
    if not values or meaning in taken.values() or any(one in taken or not 0 < one <= HIGHEST_VALUE for one in values):
        raise InvalidCohortError(
            DESCRIPTION,
            f"label {name!r} of value {value}",
            f"each structure and each value in 1..{HIGHEST_VALUE} once",
            f"leave out one that overlaps with others: cohort.parameters.label_names: {{{name}: {LEFT_OUT}}}",
        )


def _listed(value: int | list[int]) -> list[int]:
    return value if isinstance(value, list) else [value]
