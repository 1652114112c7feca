"""Images and labels of one person, a function of (cohort seed, source id) and the parameters alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faircmr.core.anatomy import Structure
from faircmr.core.randomness import generator
from faircmr.core.scan import Image, LabelImage
from faircmr.sources.synthetic.acquisition import acquire
from faircmr.sources.synthetic.anatomy import draw_heart
from faircmr.sources.synthetic.chambers import paint_heart
from faircmr.sources.synthetic.demographics import draw_person
from faircmr.sources.synthetic.fields import HeartFields, draw_stack, heart_fields
from faircmr.sources.synthetic.parameters import SyntheticParameters
from faircmr.sources.synthetic.shift import Shift
from faircmr.sources.synthetic.texture import smooth_noise
from faircmr.sources.synthetic.thorax import draw_thorax, paint_thorax
from faircmr.sources.synthetic.tissues import draw_tissues


@dataclass(frozen=True)
class SyntheticSubject:
    """Both phases of one person.

    Attributes:
        images: ED and ES, shape (phases, slices, rows, columns).
        labels: Values of :class:`~faircmr.core.anatomy.Structure`, same shape.
    """

    images: Image
    labels: LabelImage


def synthesise(parameters: SyntheticParameters, source_id: str, shift: Shift) -> SyntheticSubject:
    """Images and labels of one person under a group's shift."""
    rng = generator(parameters.cohort_seed, "heart", source_id)
    person = draw_person(parameters.cohort_seed, source_id)
    heart = draw_heart(rng, person.body_size)
    tissues = draw_tissues(rng, shift)
    thorax = draw_thorax(rng)
    stack = draw_stack(rng, parameters, heart)
    fields = heart_fields(heart, stack)
    grid = (parameters.slices, parameters.size)
    coarse = smooth_noise(rng, *grid, pixels=9.0 / parameters.spacing)
    fine = smooth_noise(rng, *grid, pixels=4.0 / parameters.spacing)
    signal = np.repeat(paint_thorax(thorax, stack, tissues, coarse, fine), 2, axis=0)
    paint_heart(signal, fields, stack, tissues, (coarse, fine))
    return SyntheticSubject(acquire(rng, signal, stack), _labels(fields))


def _labels(fields: HeartFields) -> LabelImage:
    labels = np.zeros(fields.cavity.shape, dtype=np.uint8)
    labels[fields.right < 0] = Structure.RVBP
    labels[fields.epicardium < 0] = Structure.LVM
    labels[fields.cavity < 0] = Structure.LVBP
    labels *= fields.base < 0
    return labels
