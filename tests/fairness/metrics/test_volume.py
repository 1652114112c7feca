"""Volume errors by hand, and at their edges."""

import numpy as np
import pytest

from faircmr.core.scans import Structure
from faircmr.fairness.metrics import LabelPair
from faircmr.fairness.metrics.scan import volume_pair
from tests.fairness.metrics.volumes import empty

VOXEL = (10.0, 2.0, 5.0)  # 0.1 mL


def volumes(predicted: dict[Structure, int], drawn: dict[Structure, int]):
    images = []
    for voxels in (predicted, drawn):
        values = [structure for structure, count in voxels.items() for _ in range(count)]
        image = empty((1, 1, 40))
        image[0, 0, : len(values)] = values
        images.append(image)
    return volume_pair(LabelPair(*images, VOXEL))


def test_the_error_is_what_was_found_less_what_was_drawn_in_millilitres():
    found = volumes({Structure.LVBP: 12, Structure.RVBP: 3}, {Structure.LVBP: 10, Structure.RVBP: 4})

    assert found.predicted == pytest.approx([1.2, 0.0, 0.3])
    assert found.reference == pytest.approx([1.0, 0.0, 0.4])
    assert found.error == pytest.approx([0.2, np.nan, -0.1], nan_ok=True)
    assert found.relative_error == pytest.approx([0.2, np.nan, -0.25], nan_ok=True)


def test_a_missed_structure_lacks_all_of_its_volume():
    found = volumes({}, {Structure.LVM: 5})

    assert (found.error[1], found.relative_error[1]) == pytest.approx((-0.5, -1.0))
    assert found.missed.tolist() == pytest.approx([np.nan, 1.0, np.nan], nan_ok=True)
    assert found.invented.tolist() == pytest.approx([0.0, np.nan, 0.0], nan_ok=True)


def test_an_invented_structure_is_all_error_and_relative_to_nothing():
    found = volumes({Structure.LVM: 5}, {})

    assert found.error[1] == pytest.approx(0.5)
    assert np.isnan(found.relative_error[1])
    assert found.missed.tolist() == pytest.approx([np.nan] * 3, nan_ok=True)
    assert found.invented.tolist() == pytest.approx([0.0, 1.0, 0.0])


def test_images_without_labels_have_volumes_of_nothing_and_no_error():
    found = volumes({}, {})

    assert found.predicted.tolist() == found.reference.tolist() == [0.0] * 3
    assert np.isnan([found.error, found.relative_error, found.missed]).all()
