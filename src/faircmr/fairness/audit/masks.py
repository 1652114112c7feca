"""Score pairs of masks, and check what the label values of predictions and references mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BeforeValidator, model_validator

from faircmr.core import Omission, Parameters
from faircmr.core.scans import (
    AS_STORED,
    DECLARED,
    HEART,
    HIGHEST_VALUE,
    UNKNOWN,
    LabelImage,
    LabelValues,
    MaskPair,
    MaskPairs,
    NoStructure,
    PairCoding,
    Structure,
    infer_pool_and_wall,
)
from faircmr.fairness.metrics import LabelPair, Metric, score_pair

CLEARLY_BETTER = 0.2
"""Gain in mean DSC from which another assignment is reported.

Two of three structures with swapped values and a true DSC of 0.3 reach it. No assignment gains anything where each
structure has a DSC of at least 2/3: what a predicted structure shares with its own reference it does not share with
another.
"""
_TIE = 1e-9
Counts = npt.NDArray[np.int64]


class Assignment(NamedTuple):
    """The assignment of predicted structures to those of the references that agrees best.

    Attributes:
        structures: For each declared structure, in order, the structure of the references that it agrees with.
        dsc: Mean DSC under this assignment, 0..1.
        declared_dsc: Mean DSC as declared, 0..1.
    """

    structures: tuple[Structure, ...]
    dsc: float
    declared_dsc: float

    @property
    def is_clearly_better(self) -> bool:
        """Whether it gains at least :data:`CLEARLY_BETTER`."""
        return self.dsc - self.declared_dsc >= CLEARLY_BETTER


def confusion_counts(prediction: LabelImage, reference: LabelImage) -> Counts:
    """How many voxels have which two labels, shape (predicted label, label of the reference).

    Args:
        prediction: Values of :class:`~faircmr.core.scans.Structure` and 0.
        reference: Same shape.
    """
    size = max(Structure) + 1
    pairs = prediction.ravel().astype(np.intp) * size + reference.ravel()
    return np.bincount(pairs, minlength=size * size).reshape(size, size)


def best_assignment(counts: Counts, structures: Sequence[Structure]) -> Assignment:
    """Find the permutation of the structures under which a prediction agrees best with its reference.

    Args:
        counts: Of :func:`confusion_counts`.
        structures: Those that may be exchanged.

    Returns:
        The declared assignment where no other is better. The mean is of the structures that either image shows; 1 for
        both where neither shows any.
    """
    dice, shown = _dice(counts, list(structures))
    if not shown:
        return Assignment(tuple(structures), 1.0, 1.0)
    from scipy.optimize import linear_sum_assignment

    # of equal sums the declared one
    _, columns = linear_sum_assignment(dice + _TIE * np.eye(len(structures)), maximize=True)
    chosen = tuple(structures[column] for column in columns)
    return Assignment(chosen, float(dice[range(len(columns)), columns].sum()) / shown, float(np.trace(dice)) / shown)


def _dice(counts: Counts, chosen: list[Structure]) -> tuple[npt.NDArray[np.float64], int]:
    """DSC of each predicted structure with each of the reference, 0 where neither is shown, and how many are shown."""
    predicted, drawn = counts.sum(axis=1)[chosen], counts.sum(axis=0)[chosen]
    either = predicted[:, None] + drawn[None, :]
    dice = 2.0 * counts[np.ix_(chosen, chosen)] / np.maximum(either, 1)
    return dice, int(np.count_nonzero(predicted + drawn))


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
        ignore: Values of reference voxels that are not annotated (nnU-Net v2's label ``ignore``): excluded from both
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
    def _check_values(self) -> Self:
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

    def not_scored_notes(self) -> Iterator[str]:
        """Yield a note for each structure that is declared as not segmented."""
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


class MaskNotes(Parameters):
    """Sentences about masks, for the console and the page of an audit.

    Attributes:
        notes: Whole sentences, without the name of a person or file.
        omissions: Masks that were not scored.
    """

    notes: tuple[str, ...] = ()
    omissions: tuple[Omission, ...] = ()


@dataclass
class MaskTally:
    """Counts over pairs of masks, from which sentences are made.

    Attributes:
        labels: What the values were declared to mean.
        pairs: Pairs seen.
        left_out: Masks of each side with voxels that are left out.
        unannotated: Voxels without annotation of each reference that has such voxels, as share of its voxels.
        shown: Masks of each side that show a structure.
        enclosed: Masks of each side by their inner and outer structure.
        grids: Pairs by how the prediction was stored.
        better: Assignments that are clearly better than the declared one, one a pair, by their structures.
    """

    labels: MaskLabels
    pairs: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    unannotated: list[float] = field(default_factory=list)
    shown: Counter[tuple[str, Structure]] = field(default_factory=Counter)
    enclosed: Counter[tuple[str, tuple[Structure, Structure]]] = field(default_factory=Counter)
    grids: Counter[str] = field(default_factory=Counter)
    better: dict[tuple[Structure, ...], list[Assignment]] = field(default_factory=dict)

    def add(self, prediction: LabelImage, reference: LabelImage) -> None:
        """Count one pair.

        Args:
            prediction: Values of ``Structure`` and 0, cropped to what both show.
            reference: Same shape.
        """
        self.pairs += 1
        counts = confusion_counts(prediction, reference)
        for side, image, sizes in zip(
            SIDES, (prediction, reference), (counts.sum(axis=1), counts.sum(axis=0)), strict=True
        ):
            self.shown.update((side, one) for one in self.labels.scored if sizes[one])
            if (pair := infer_pool_and_wall(image)) is not None:
                self.enclosed[side, pair] += 1
        best = best_assignment(counts, self.labels.scored)
        if best.is_clearly_better:
            self.better.setdefault(best.structures, []).append(best)

    def remove_left_out(self, side: str, image: LabelImage) -> LabelImage:
        """The image with background where something is left out; counts images in which something is."""
        left_out = image == NoStructure.LEFT_OUT
        if not left_out.any():
            return image
        self.left_out[side] += 1
        return np.where(left_out, 0, image).astype(np.uint8)

    def add_unannotated(self, where: npt.NDArray[np.bool_]) -> None:
        """Count voxels of a reference that are not annotated."""
        self.unannotated.append(float(where.mean()))

    def structures_in_references(self) -> list[Structure]:
        """Structures that at least one reference shows."""
        return [one for one in self.labels.scored if self.shown[REFERENCES, one]]

    def notes(self) -> Iterator[str]:
        """Yield all notes, beginning with those that may make every score wrong."""
        yield from self._grid_notes()
        yield from self._assignment_notes()
        yield from self._anatomy_notes()
        yield from self.labels.not_scored_notes()
        yield from self._never_shown_notes()
        yield from self._left_out_notes()

    def _grid_notes(self) -> Iterator[str]:
        total = sum(self.grids.values())
        for kind, count in self.grids.most_common():
            if kind == UNKNOWN:
                yield (
                    f"In {count} of {total} pairs voxels were matched by their place in the file, because a header has "
                    "no usable qform and sform, or reading.grids is 'array': masks in different orientations score low."
                )
            elif kind != AS_STORED:
                yield (
                    f"{count} of {total} predictions were stored in another orientation or position than their "
                    f"reference ({kind}), and were put on its grid."
                )

    def _assignment_notes(self) -> Iterator[str]:
        for structures, found in sorted(self.better.items(), key=lambda item: -len(item[1])):
            moved = [
                (one, other) for one, other in zip(self.labels.scored, structures, strict=True) if one is not other
            ]
            predictions = self._declaration(PREDICTIONS, {other: one for one, other in moved})
            references = self._declaration(REFERENCES, dict(moved))
            declared = 100.0 * np.mean([one.declared_dsc for one in found])
            better = 100.0 * np.mean([one.dsc for one in found])
            cause = (
                "Predictions and references seem to be coded differently: declare the values of the predictions "
                f"(--params {predictions}) or of the references (--params {references})."
                if 2 * len(found) > self.pairs
                else "Look at these pairs: their masks are coded differently, or the model confuses structures."
            )
            yield (
                f"In {len(found)} of {self.pairs} pairs the structures agree clearly better under other values: "
                f"mean DSC {better:.1f} % with {predictions}, {declared:.1f} % as declared in audit_labels. {cause}"
            )

    def _anatomy_notes(self) -> Iterator[str]:
        for side in SIDES:
            found = {pair: count for (of, pair), count in self.enclosed.items() if of == side}
            seen = sum(found.values())
            for (inner, outer), count in found.items():
                if (inner, outer) != DECLARED and 2 * count > seen:
                    # what is left of the three is the right ventricle
                    actual = (inner, outer, *(one for one in HEART if one not in (inner, outer)))
                    moved = {one: other for one, other in zip(HEART, actual, strict=True) if one is not other}
                    yield (
                        f"In {count} of {seen} {side} {inner.name} is enclosed by {outer.name}, as LVBP should be by "
                        f"LVM: the values of the {side} seem to be declared wrongly; "
                        f"--params {self._declaration(side, moved)} would fit."
                    )

    def _never_shown_notes(self) -> Iterator[str]:
        for one in self.labels.scored:
            predicted, drawn = (_listed(self.labels.values_of(one, side)) for side in SIDES)
            references = self.shown[REFERENCES, one]
            if not references:
                yield f"{one.name} is not scored: no reference shows it ({drawn})."
            elif not self.shown[PREDICTIONS, one]:
                yield (
                    f"No prediction shows {one.name} ({predicted}), and {references} references do: it scores 0 there. "
                    f"If the model does not segment it, set audit_labels.predictions.{one.name}=null."
                )

    def _left_out_notes(self) -> Iterator[str]:
        for side in SIDES:
            if count := self.left_out[side]:
                yield (
                    f"{count} of {self.pairs} {side} show what is left out "
                    f"({_listed(self.labels.left_out_of(side))}): it counts as background."
                )
        if self.unannotated:
            count, without = len(self.unannotated), sum(one == 1.0 for one in self.unannotated)
            nothing = f"; {without} have no annotated voxel" if without else ""
            yield (
                f"In {count} of {self.pairs} references voxels are not annotated "
                f"({100.0 * np.mean(self.unannotated):.1f} % on average{nothing}): they are excluded from both masks, "
                "as nnU-Net does, and these pairs have no volumes and no surface distances."
            )

    def _declaration(self, side: str, actual: Mapping[Structure, Structure]) -> str:
        """Parameters that give structures the values that are declared for others."""
        given = {one: "+".join(map(str, self.labels.values_of(other, side))) or "null" for one, other in actual.items()}
        return ",".join(f"audit_labels.{side}.{one.name}={given[one]}" for one in sorted(given))


def _listed(values: Sequence[int]) -> str:
    return f"value{'s' if len(values) > 1 else ''} {', '.join(map(str, values))}"


OF_ANNOTATED_VOXELS = (Metric.DSC, Metric.MISSED, Metric.INVENTED)
"""Metrics that mean the same where part of a scan is not annotated; volumes and distances need the whole structure."""


class MaskScores(NamedTuple):
    """Scores of pairs of masks.

    Attributes:
        scores: Long, for :func:`~faircmr.fairness.audit.audit`: ``case`` (name of the file), ``structure``,
            ``metric``, ``value``. A structure that no reference shows has no rows, because its prediction
            cannot be assessed.
        notes: Sentences about what is left out and what seems to be declared wrongly, without any name.
    """

    scores: pd.DataFrame
    notes: tuple[str, ...]


def score_masks(pairs: MaskPairs, labels: MaskLabels) -> MaskScores:
    """Score each pair of masks by every metric.

    Args:
        pairs: Predictions and references.
        labels: What their values mean.

    Raises:
        InvalidScanError: A mask cannot be used.
    """
    tally = MaskTally(labels)
    parts = [_scores(pair, tally).assign(case=name) for name, pair in pairs.pairs(labels.coding)]
    scores = pd.concat(parts, ignore_index=True)
    kept = scores["structure"].isin([structure.name for structure in tally.structures_in_references()])
    table = scores.loc[kept, ["case", "structure", "metric", "value"]].reset_index(drop=True)
    return MaskScores(table, tuple(tally.notes()))


def _scores(masks: MaskPair, tally: MaskTally) -> pd.DataFrame:
    """Scores of one pair, of annotated voxels and the structures that are to be scored."""
    tally.grids[masks.grid] += 1
    prediction, reference = masks.prediction, masks.reference
    excluded = False
    if max(image.max(initial=0) for image in (prediction, reference)) >= min(NoStructure):
        unannotated = reference == NoStructure.UNANNOTATED
        excluded = bool(unannotated.any())
        if excluded:
            tally.add_unannotated(unannotated)
        prediction, reference = (
            tally.remove_left_out(side, np.where(unannotated, 0, image).astype(np.uint8))
            for side, image in zip(SIDES, (prediction, reference), strict=True)
        )
    pair = LabelPair(prediction, reference, masks.spacing)
    tally.add(*pair.heart)
    rows = score_pair(pair, tally.labels.scored)
    return rows[rows["metric"].isin(OF_ANNOTATED_VOXELS)] if excluded else rows
