"""Conversion between structures and classes for studies that lack structures."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from faircmr.core.scans import ALL_STRUCTURES, Phase, Structure
from faircmr.segmentation.data import preprocess
from faircmr.segmentation.network import classes_to_structures, structures_to_classes
from faircmr.segmentation.prediction import Segmenter
from tests.segmentation.phantoms import phantom, plans_of

labels = npst.arrays(np.uint8, (2, 3, 4), elements=st.integers(0, 3))
some = st.sets(st.sampled_from(Structure), min_size=1).map(sorted)


@given(labels, some)
def test_there_and_back_leaves_the_study_s_structures_and_nothing_else(label, structures):
    classes = structures_to_classes(label, structures)

    assert classes.max(initial=0) <= len(structures)
    np.testing.assert_array_equal(
        classes_to_structures(classes, structures), np.where(np.isin(label, structures), label, 0), strict=True
    )


@given(labels)
def test_of_all_structures_the_class_is_the_value(label):
    np.testing.assert_array_equal(structures_to_classes(label, ALL_STRUCTURES), label, strict=True)


def test_tensors_hold_classes_and_areas_of_the_study_alone():
    plans = plans_of().model_copy(update={"structures": (Structure.LVBP, Structure.RVBP)})

    whole, fewer = (preprocess(phantom(0), each, Phase.ED) for each in (plans_of(), plans))

    assert set(np.unique(fewer["ED.label"])) == {0, 1, 2}
    assert fewer["ED.areas"][:, 2].sum() == 0
    np.testing.assert_array_equal(fewer["ED.areas"][:, 0], whole["ED.areas"][:, 0])


class Certain(Segmenter):
    """Says the last class everywhere."""

    plans = plans_of().model_copy(update={"structures": (Structure.LVBP, Structure.RVBP)})

    def predict(self, image, box=None):
        probabilities = np.zeros((self.plans.classes, *image.shape), np.float32)
        probabilities[-1] = 1.0
        return probabilities


def test_a_segmenter_answers_in_structures():
    label = Certain().label(np.zeros((1, 4, 4), np.float32), (4, 4))

    assert set(np.unique(label)) == {int(Structure.RVBP)}
