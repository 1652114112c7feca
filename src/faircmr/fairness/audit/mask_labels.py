"""What the values of anybody's masks mean, declared for predictions and references together or apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Self

from pydantic import BeforeValidator, model_validator

from faircmr.core.anatomy import Structure
from faircmr.core.label_coding import HIGHEST_VALUE, LabelValues, NoStructure, PairCoding
from faircmr.core.parameters import Parameters

PERMITTED = f"a whole number from 1 to {HIGHEST_VALUE}, several as 2+4 or [2, 4], or null for none"
SIDES = PREDICTIONS, REFERENCES = ("predictions", "references")
_NONE = ("", "null", "none", "~")


def _values(given: object) -> tuple[int, ...]:
    """Values as they are written in YAML or, as text, on the command line."""
    parts: Sequence[object]
    if given is None or (isinstance(given, str) and given.strip().lower() in _NONE):
        parts = ()
    elif isinstance(given, str):
        parts = given.split("+")
    elif isinstance(given, list | tuple):
        parts = given
    else:
        parts = (given,)
    return tuple(dict.fromkeys(map(_value, parts)))


def _value(given: object) -> int:
    text = str(given).strip().removesuffix(".0")
    if isinstance(given, bool) or not (text.isascii() and text.isdigit()) or not 0 < int(text) <= HIGHEST_VALUE:
        raise ValueError(PERMITTED)
    return int(text)


Values = Annotated[tuple[int, ...], BeforeValidator(_values)]
"""Values of a label image; empty for none."""


class SideLabels(Parameters):
    """Meaning of the values in masks of one kind; 0 is background.

    Attributes:
        LVBP: Values of the left-ventricular blood pool; none where it is not segmented, and then it is not scored.
        LVM: Of the left-ventricular myocardium; several where parts of it (scar) are coded apart.
        RVBP: Of the right-ventricular blood pool.
        left_out: Values of everything else that is segmented (atria, aorta): counts as background.
        ignore: Values of reference voxels that nobody has annotated (nnU-Net v2's label ``ignore``): excluded from both
            masks before they are scored.
    """

    LVBP: Values = (1,)
    LVM: Values = (2,)
    RVBP: Values = (3,)
    left_out: Values = ()
    ignore: Values = ()


class MaskLabels(SideLabels):
    """Meaning of the values in predictions and references, and where the two differ.

    Attributes:
        predictions: What differs in the predictions; what is not named there is as above.
        references: What differs in the references.
    """

    predictions: SideLabels | None = None
    references: SideLabels | None = None

    @model_validator(mode="after")
    def _can_be_scored(self) -> Self:
        if self.predictions is not None and self.predictions.ignore:
            raise ValueError("only references have ignored voxels; name the value in audit_labels.predictions.left_out")
        for side in SIDES:
            self._check_once(side)
        if not self.scored:
            raise ValueError("no structure has a value in both predictions and references")
        return self

    @property
    def coding(self) -> PairCoding:
        """Meaning of each value; what only one of the two has segmented is left out."""
        return PairCoding(self._coding(PREDICTIONS), self._coding(REFERENCES))

    @property
    def scored(self) -> tuple[Structure, ...]:
        """Structures that have values in predictions and references."""
        return tuple(one for one in Structure if all(self.values_of(one, side) for side in SIDES))

    def values_of(self, structure: Structure, side: str) -> tuple[int, ...]:
        """Values of a structure in the predictions or the references."""
        return self._declared(side).get(structure.name, ())

    def left_out_of(self, side: str) -> tuple[int, ...]:
        """Values that are left out of the predictions or the references."""
        coding = getattr(self.coding, side)
        return tuple(sorted(value for value, meaning in coding.items() if meaning is NoStructure.LEFT_OUT))

    def not_scored(self) -> Iterator[str]:
        """A sentence for each structure that somebody has declared as not segmented."""
        named = self._named(PREDICTIONS) | self._named(REFERENCES) | self.model_fields_set
        for structure in Structure:
            without = [side for side in SIDES if not self.values_of(structure, side)]
            if without and (len(without) == 1 or structure.name in named):
                yield f"{structure.name} is not scored: audit_labels has no value of it in the {' and '.join(without)}."

    def _named(self, side: str) -> set[str]:
        own: SideLabels | None = getattr(self, side)
        return set() if own is None else own.model_fields_set

    def _declared(self, side: str) -> dict[str, tuple[int, ...]]:
        """Values by the name of the structure, ``left_out`` or ``ignore``, for one side."""
        common = {name: getattr(self, name) for name in SideLabels.model_fields}
        own = {name: getattr(getattr(self, side), name) for name in self._named(side)}
        structures = {value for name in own.keys() & Structure.__members__ for value in own[name]}
        for name in ("left_out", "ignore"):
            # a structure that one side alone has takes its value out of what both leave out
            common[name] = tuple(value for value in common[name] if value not in structures)
        if side == PREDICTIONS:
            common["ignore"] = ()
        return common | own

    def _check_once(self, side: str) -> None:
        seen: dict[int, str] = {}
        for name, values in self._declared(side).items():
            for value in values:
                if value in seen:
                    of = f" of the {side}" if getattr(self, side) is not None else ""
                    raise ValueError(f"value {value}{of} is {seen[value]} and {name}; each value once")
                seen[value] = name

    def _coding(self, side: str) -> LabelValues:
        declared, scored = self._declared(side), {one.name for one in self.scored}
        meaning: dict[str, Structure | NoStructure] = {"ignore": NoStructure.UNANNOTATED}
        meaning |= {name: Structure[name] for name in scored}
        return {value: meaning.get(name, NoStructure.LEFT_OUT) for name, values in declared.items() for value in values}
