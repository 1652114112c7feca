"""Images and labels of one synthetic subject, from tissue to NIfTI files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faircmr.core import generator
from faircmr.core.scans import Geometry, Image, LabelImage, Phase, ScanFiles, Structure
from faircmr.sources import write_image, write_label
from faircmr.sources.synthetic.anatomy import (
    Field,
    HeartFields,
    Shift,
    Stack,
    draw_heart,
    draw_stack,
    group_shift,
    heart_fields,
)
from faircmr.sources.synthetic.parameters import SyntheticParameters, draw_person
from faircmr.sources.synthetic.tissues import draw_thorax, draw_tissues, paint_heart, paint_thorax, smooth_noise

FULL_SCALE = 500.0
"""Image value of left-ventricular blood in the middle of the image, of an average gain."""


def acquire(rng: np.random.Generator, signal: Field, stack: Stack) -> Field:
    """Image of a tissue signal, rounded to whole numbers of at least zero.

    Args:
        rng: Draws gain, shading and noise.
        signal: Relative to left-ventricular blood, shape (phases, slices, rows, columns).
        stack: Where the pixels are.
    """
    gain = FULL_SCALE * math.exp(rng.normal(0.0, 0.15))
    noise = 0.03 * math.exp(rng.normal(0.0, 0.15))
    image = _point_spread(signal) * _shading(rng, stack)
    real, imaginary = np.float32(noise) * rng.standard_normal((2, *signal.shape), dtype=np.float32)
    image += real
    measured: Field = np.hypot(image, imaginary, out=image)
    measured *= np.float32(gain)
    return np.rint(measured, out=measured)


def _point_spread(signal: Field) -> Field:
    """Slight blur of the matrix and its filter, 0.7 pixels at full width."""
    side = np.float32(0.12)
    middle = np.float32(1.0) - 2 * side
    rows = middle * signal
    rows[:, :, 1:-1] += side * (signal[:, :, 2:] + signal[:, :, :-2])
    rows[:, :, [0, -1]] += 2 * side * signal[:, :, [0, -1]]
    image: Field = middle * rows
    image[..., 1:-1] += side * (rows[..., 2:] + rows[..., :-2])
    image[..., [0, -1]] += 2 * side * rows[..., [0, -1]]
    return image


def _shading(rng: np.random.Generator, stack: Stack) -> Field:
    """Sensitivity of a surface coil on the chest: stronger towards the upper left, falling with distance."""
    direction = rng.normal(-2.3, 0.5)
    strength = rng.uniform(0.10, 0.30) / 70.0
    curve = rng.uniform(0.0, 0.10) / 70.0**2
    slope = stack.column * np.float32(math.cos(direction)) + stack.row * np.float32(math.sin(direction))
    shading: Field = np.exp(np.float32(strength) * slope - np.float32(curve) * (stack.column**2 + stack.row**2))
    return shading


MILLIMETRES = 2
SCANNER = 1
COLUMN_DIRECTION = (-0.72, -0.66, -0.20)
"""Direction in which columns count (towards the lateral wall), in NIfTI's right-anterior-superior coordinates."""
LONG_AXIS = (-0.64, 0.54, -0.55)
"""Direction from base to apex: left, forward, down."""


def stack_geometry(parameters: SyntheticParameters) -> Geometry:
    """Grid of every image of the cohort: slices from base to apex, the stack's middle at the isocentre."""
    shape = (parameters.slices, parameters.size, parameters.size)
    spacing = (parameters.slice_spacing, parameters.spacing, parameters.spacing)
    directions = _directions()
    scaled = directions * np.array(spacing[::-1])
    affine = np.eye(4)
    affine[:3, :3] = scaled
    affine[:3, 3] = -scaled @ ((np.array(shape[::-1]) - 1) / 2)
    matrix = tuple(tuple(float(value) for value in row) for row in affine)
    # slices from base to apex, columns to the lateral wall and rows downwards form a left-handed system
    handedness = float(np.sign(np.linalg.det(directions)))
    pixdim = (handedness, *spacing[::-1], 0.0, 0.0, 0.0, 0.0)
    return Geometry(shape, spacing, matrix, SCANNER, matrix, SCANNER, pixdim, MILLIMETRES)


def _directions() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Unit vectors of columns, rows and slices as the columns of a matrix."""
    slices = np.array(LONG_AXIS) / np.linalg.norm(LONG_AXIS)
    columns = np.array(COLUMN_DIRECTION) - np.dot(COLUMN_DIRECTION, slices) * slices
    columns /= np.linalg.norm(columns)
    return np.stack([columns, np.cross(columns, slices), slices], axis=1)


@dataclass(frozen=True)
class SyntheticSubject:
    """Both phases of one person.

    Attributes:
        images: ED and ES, shape (phases, slices, rows, columns).
        labels: Values of :class:`~faircmr.core.scans.Structure`, same shape.
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
