"""What has to be said of the labels of masks: what is left out, and values that seem to be declared wrongly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from faircmr.core.anatomy import Structure
from faircmr.core.grids import AS_STORED, UNKNOWN
from faircmr.core.label_anatomy import DECLARED, HEART, pool_and_wall
from faircmr.core.label_coding import NoStructure
from faircmr.core.omissions import Omission
from faircmr.core.parameters import Parameters
from faircmr.core.scan import LabelImage
from faircmr.fairness.audit.mask_labels import PREDICTIONS, REFERENCES, SIDES, MaskLabels
from faircmr.fairness.metrics.assignment import Assignment, best_assignment, confusion_counts


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
            if (pair := pool_and_wall(image)) is not None:
                self.enclosed[side, pair] += 1
        best = best_assignment(counts, self.labels.scored)
        if best.is_clearly_better:
            self.better.setdefault(best.structures, []).append(best)

    def without_left_out(self, side: str, image: LabelImage) -> LabelImage:
        """The image with background where something is left out; counts images in which something is."""
        left_out = image == NoStructure.LEFT_OUT
        if not left_out.any():
            return image
        self.left_out[side] += 1
        return np.where(left_out, 0, image).astype(np.uint8)

    def add_unannotated(self, where: npt.NDArray[np.bool_]) -> None:
        """Count voxels of a reference that are not annotated."""
        self.unannotated.append(float(where.mean()))

    def drawn(self) -> list[Structure]:
        """Structures that at least one reference shows."""
        return [one for one in self.labels.scored if self.shown[REFERENCES, one]]

    def notes(self) -> Iterator[str]:
        """What has to be said, what may make every score wrong first."""
        yield from self._other_grids()
        yield from self._other_assignments()
        yield from self._other_anatomy()
        yield from self.labels.not_scored()
        yield from self._never_shown()
        yield from self._left_out()

    def _other_grids(self) -> Iterator[str]:
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

    def _other_assignments(self) -> Iterator[str]:
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

    def _other_anatomy(self) -> Iterator[str]:
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

    def _never_shown(self) -> Iterator[str]:
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

    def _left_out(self) -> Iterator[str]:
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
