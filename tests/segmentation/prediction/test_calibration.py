"""Each key gets the adjustment fitted on its own validation subjects."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from pydantic import ValidationError

from faircmr.core import InvalidModelError
from faircmr.segmentation.prediction.calibration import (
    CERTAIN_BACKGROUND,
    SMALLEST_PROBABILITY,
    Calibration,
    FoldCalibration,
    KeyAdjustment,
    adjust_probabilities,
    fit_key_adjustments,
    informative_pixels,
    softmax,
)

CLASSES, SHAPE = 4, (2, 3, 5)


def adjustment(key: str = "a", temperature: float = 1.0, offsets: tuple[float, ...] = (0.0,) * CLASSES, **others):
    return KeyAdjustment(
        key=key, temperature=temperature, offsets=offsets, subjects=9, nll_before=0.5, nll_after=0.4, **others
    )


def subject(key: str, seed: int, temperature: float = 1.0, pixels: int = 800):
    """A subject whose probabilities need a temperature."""
    rng = np.random.default_rng(seed)
    log_probabilities = np.log(softmax(rng.normal(0.0, 3.0, (pixels, CLASSES))))
    below = softmax(log_probabilities / temperature).cumsum(axis=1) < rng.random((pixels, 1))
    return key, log_probabilities, np.minimum(below.sum(axis=1), CLASSES - 1)


def of_scores(scores: np.ndarray) -> np.ndarray:
    """Probabilities as ``Segmenter.predict`` gives them."""
    pixels = softmax(scores.reshape(CLASSES, -1).T.astype(np.float64)).T
    return pixels.reshape(scores.shape).astype(np.float32)


predicted = npst.arrays(np.float32, (CLASSES, *SHAPE), elements=st.floats(-30.0, 30.0, width=32)).map(of_scores)
temperatures = st.floats(0.2, 5.0)
all_offsets = st.tuples(st.just(0.0), *[st.floats(-5.0, 5.0)] * (CLASSES - 1))


def test_keys_are_fitted_apart_and_come_in_the_order_of_the_alphabet():
    subjects = [*(subject("b", seed, 2.0) for seed in range(10)), *(subject("a", seed, 0.6) for seed in range(10, 20))]

    a, b = fit_key_adjustments(subjects, min_subjects=5)

    assert (a.key, b.key) == ("a", "b")
    assert a.temperature == pytest.approx(0.6, rel=0.06)
    assert b.temperature == pytest.approx(2.0, rel=0.06)
    assert (a.subjects, a.note) == (10, "")
    assert a.nll_after < a.nll_before


def test_what_other_keys_need_changes_nothing():
    own = [subject("a", seed, 1.5) for seed in range(6)]

    alone = fit_key_adjustments(own, min_subjects=5)
    among_others = fit_key_adjustments([subject("b", 77, 0.3), *own, subject("c", 78, 4.0)], min_subjects=5)

    assert next(one for one in among_others if one.key == "a") == alone[0]


def test_the_order_of_subjects_does_not_matter():
    subjects = [subject("a", seed, 1.5, pixels=100 + 50 * seed) for seed in range(8)]

    one, other = fit_key_adjustments(subjects, 5)[0], fit_key_adjustments(subjects[::-1], 5)[0]

    assert one.temperature == pytest.approx(other.temperature, abs=1e-4)
    assert one.offsets == pytest.approx(other.offsets, abs=1e-4)
    assert one.nll_after == pytest.approx(other.nll_after, abs=1e-9)


def test_a_subject_with_many_pixels_has_no_more_say_than_one_with_few():
    small = [subject("a", seed, 1.5, pixels=200) for seed in range(5)]
    key, log_probabilities, labels = subject("a", 5, 4.0, pixels=200)
    large = (key, np.tile(log_probabilities, (50, 1)), np.tile(labels, 50))

    repeated, single = (
        fit_key_adjustments([*small, large], 5)[0],
        fit_key_adjustments([*small, (key, log_probabilities, labels)], 5)[0],
    )

    assert repeated.temperature == pytest.approx(single.temperature, abs=1e-3)
    assert repeated.nll_before == pytest.approx(single.nll_before)


def test_a_key_of_few_subjects_is_left_as_it_is_and_that_is_said():
    subjects = [*(subject("few", seed, 3.0) for seed in range(4)), *(subject("many", seed, 3.0) for seed in range(5))]

    few, many = fit_key_adjustments(subjects, min_subjects=5)

    assert few.is_identity
    assert few.subjects == 4
    assert few.nll_before == few.nll_after > 0.0
    assert few.note == "4 labelled validation subjects, fewer than 5"
    assert not many.is_identity


def test_a_subject_without_pixels_is_not_counted():
    empty = ("a", np.zeros((0, CLASSES)), np.zeros(0, dtype=np.int64))

    (a,) = fit_key_adjustments([*(subject("a", seed) for seed in range(4)), empty, ("b", *empty[1:])], min_subjects=5)

    assert (a.key, a.subjects, a.is_identity) == ("a", 4, True)


def test_where_nothing_fits_better_nothing_is_changed_and_that_is_said():
    uniform = np.log(np.full((8, CLASSES), 1 / CLASSES))

    (a,) = fit_key_adjustments([("a", uniform, np.arange(8) % CLASSES)], min_subjects=1)

    assert a.is_identity
    assert a.note == "no adjustment fits better"


@given(predicted, temperatures, all_offsets)
def test_adjusted_probabilities_are_probabilities(probabilities, temperature, offsets):
    before = probabilities.copy()

    result = adjust_probabilities(probabilities, adjustment(temperature=temperature, offsets=offsets))

    np.testing.assert_array_equal(probabilities, before)
    assert (result.shape, result.dtype) == (probabilities.shape, probabilities.dtype)
    assert ((result >= 0.0) & (result <= 1.0)).all()
    np.testing.assert_allclose(result.sum(axis=0), 1.0, atol=1e-5)


@given(predicted, temperatures)
def test_a_temperature_alone_changes_no_label(probabilities, temperature):
    result = adjust_probabilities(probabilities, adjustment(temperature=temperature))

    most_probable = probabilities.argmax(axis=0)[np.newaxis]
    # two classes that nearly tie may do so after rounding, so that the maximum is compared and not its place
    np.testing.assert_array_equal(np.take_along_axis(result, most_probable, axis=0)[0], result.max(axis=0))


def test_adjusts_by_the_formula_where_background_is_not_certain_and_nowhere_else():
    open_pixel, certain = [0.6, 0.3, 0.1, 0.0], [0.9995, 0.0005, 0.0, 0.0]
    probabilities = np.array([open_pixel, certain]).T.reshape(CLASSES, 1, 1, 2)

    result = adjust_probabilities(probabilities, adjustment(temperature=2.0, offsets=(0.0, 1.0, 0.0, 5.0)))

    expected = np.array([0.6**0.5, 0.3**0.5 * np.e, 0.1**0.5, 0.0])
    np.testing.assert_allclose(result[:, 0, 0, 0], expected / expected.sum())
    np.testing.assert_array_equal(result[:, 0, 0, 1], certain)


def test_what_is_certain_or_impossible_stays_so():
    probabilities = np.zeros((CLASSES, 1, 1, CLASSES), np.float32)
    probabilities[range(CLASSES), 0, 0, range(CLASSES)] = 1.0

    result = adjust_probabilities(probabilities, adjustment(temperature=5.0, offsets=(0.0, 5.0, -5.0, 5.0)))

    np.testing.assert_array_equal(result, probabilities)


@given(predicted)
def test_no_adjustment_leaves_every_bit(probabilities):
    assert adjust_probabilities(probabilities, adjustment()) is probabilities


def test_offsets_of_another_number_of_classes_are_refused():
    with pytest.raises(InvalidModelError, match="calibration of a: 3 offsets; one for each of 4 classes"):
        adjust_probabilities(np.ones((CLASSES, *SHAPE)), adjustment(offsets=(0.0, 1.0, 1.0)))


def test_pixels_of_certain_background_say_nothing_whatever_is_drawn_there():
    probabilities = np.zeros((CLASSES, 1, 1, 3), np.float32)
    probabilities[:, 0, 0] = np.array([[0.9995, 0.0005, 0.0, 0.0], [0.2, 0.8, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]).T
    label = np.array([[[1, 2, 0]]], np.uint8)

    log_probabilities, labels = informative_pixels(probabilities, label)

    np.testing.assert_allclose(
        log_probabilities, [np.log([0.2, 0.8, SMALLEST_PROBABILITY, SMALLEST_PROBABILITY])], rtol=1e-6
    )
    assert labels.tolist() == [2]
    assert (log_probabilities.dtype, labels.dtype) == (np.float64, np.int64)


def test_pixels_keep_the_labels_that_lie_on_them():
    scores = np.random.default_rng(0).normal(0, 1, (CLASSES, *SHAPE))
    probabilities = of_scores(scores)

    log_probabilities, labels = informative_pixels(probabilities, probabilities.argmax(axis=0).astype(np.uint8))

    np.testing.assert_array_equal(log_probabilities.argmax(axis=1), labels)
    assert len(labels) == np.prod(SHAPE)


def test_of_many_pixels_the_same_few_are_taken_at_every_call():
    probabilities = of_scores(np.random.default_rng(0).normal(0, 1, (CLASSES, 4, 20, 20)))
    label = probabilities.argmax(axis=0).astype(np.uint8)

    some, every = informative_pixels(probabilities, label, most=100), informative_pixels(probabilities, label)

    assert len(some[1]) == 100
    assert {tuple(one) for one in some[0]} < {tuple(one) for one in every[0]}
    np.testing.assert_array_equal(some[0].argmax(axis=1), some[1])
    np.testing.assert_array_equal(some[0], informative_pixels(probabilities, label, most=100)[0])


def test_probabilities_that_are_right_everywhere_are_left_nearly_as_they_are():
    rng = np.random.default_rng(0)
    scores = rng.normal(0.0, 0.3, (CLASSES, 10, 200, 200))
    heart = rng.random(scores.shape[1:]) < 0.03
    scores += np.where(heart, rng.normal(0.0, 3.0, scores.shape), 0.0)
    # much background is just certain, so that a structure is drawn in some of it
    scores[0] += np.where(heart, 0.0, rng.normal(9.0, 0.5, heart.shape))
    probabilities = of_scores(scores)
    label = np.minimum((probabilities.cumsum(axis=0) < rng.random(heart.shape)).sum(axis=0), CLASSES - 1)

    (a,) = fit_key_adjustments([("a", *informative_pixels(probabilities, label.astype(np.uint8), most=10**6))], 1)

    assert (label[probabilities[0] >= CERTAIN_BACKGROUND] > 0).sum() > 100
    assert a.temperature == pytest.approx(1.0, abs=0.03)
    assert a.offsets == pytest.approx((0.0,) * CLASSES, abs=0.08)


def test_a_fold_has_its_own_adjustments():
    calibration = Calibration(
        folds=(
            FoldCalibration(fold=0, adjustments=(adjustment("a", 2.0), adjustment("b", note="too few"))),
            FoldCalibration(fold=1, adjustments=(adjustment("a", 3.0),)),
        )
    )

    assert calibration.of(0) == calibration.folds[0]
    assert calibration.of(1).adjustments == (adjustment("a", 3.0),)
    assert calibration.of(None).adjustments == ()
    assert calibration.folds[0].summary == "1 of 2 keys adjusted; unchanged: b (too few)"
    assert calibration.folds[1].summary == "1 of 1 keys adjusted"


def test_comes_back_from_its_file():
    made = Calibration(folds=(FoldCalibration(fold=2, adjustments=(adjustment("a", 1.3, (0.0, 0.1, -0.2, 0.3)),)),))

    assert Calibration.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"offsets": (0.5, 0.0, 0.0, 0.0)}, "background: it must be 0"),
        ({"temperature": 0.0}, "greater than 0"),
        ({"temperature": float("nan")}, "finite number"),
        ({"offsets": (0.0, float("inf"))}, "finite number"),
    ],
)
def test_an_adjustment_that_cannot_be_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        adjustment(**wrong)
