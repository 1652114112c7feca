"""Coarse tensors equal the tensors at a lower resolution, without files of their own."""

import numpy as np
import pytest

from faircmr.core.scans import Phase
from faircmr.segmentation.data import (
    TensorStore,
    areas_name,
    coarse_subject,
    image_name,
    label_name,
    open_tensors,
    structure_areas,
)
from faircmr.segmentation.data.preprocessing import downsample_planes


def test_images_become_means_and_labels_middle_values():
    image = np.arange(32, dtype=np.float16).reshape(1, 4, 8)
    assert downsample_planes(image, 2).tolist() == [[[4.5, 6.5, 8.5, 10.5], [20.5, 22.5, 24.5, 26.5]]]
    label = np.array([[0, 0, 3], [0, 1, 0], [2, 0, 0]], dtype=np.uint8)
    assert downsample_planes(label, 3).tolist() == [[1]]


def test_pixels_that_fill_no_whole_one_are_left_out():
    image = np.ones((2, 7, 11), dtype=np.float16)
    assert downsample_planes(image, 3).shape == (2, 2, 3)


def test_factor_one_opens_the_tensors_themselves(tensors):
    assert type(open_tensors(tensors, 1)) is TensorStore


def test_a_store_reads_every_array_at_the_lower_resolution(tensors):
    full, coarse = TensorStore(tensors).subject("sub-0001"), open_tensors(tensors, 2).subject("sub-0001")

    assert (coarse.phases, coarse.labelled_phases) == (full.phases, full.labelled_phases)
    assert set(coarse.arrays) == set(full.arrays)
    label = coarse.arrays[label_name(Phase.ED)]
    assert np.array_equal(label, downsample_planes(full.arrays[label_name(Phase.ED)], 2))
    assert np.array_equal(coarse.arrays[areas_name(Phase.ED)], structure_areas(label))
    assert coarse.fingerprint == full.fingerprint


@pytest.mark.parametrize("name", [image_name(Phase.ES), label_name(Phase.ES)])
def test_one_slice_is_the_slice_of_the_whole(tensors, name):
    coarse = open_tensors(tensors, 2).subject("sub-0002")
    (plane,) = coarse.slices_of([name], 1)
    assert np.array_equal(plane, coarse.arrays[name][1])


def test_arrays_in_memory_are_reduced_too(tensors):
    subject = TensorStore(tensors).subject("sub-0003")
    in_memory = type(subject)("sub-0003", "x", dict(subject.arrays))
    (plane,) = coarse_subject(in_memory, 2).slices_of([image_name(Phase.ED)], 0)
    assert plane.shape == (10, 10)
