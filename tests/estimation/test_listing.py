"""Every fit of a strategy is listed with its size, and nothing is trained for that."""

import pytest

from tests.estimation.studies import FOLDS, PARTS, SMALL_CLASSIFIER, planned


def test_a_fit_says_whom_it_is_trained_on_and_for_how_long():
    (fit,) = planned(name="baseline").fits

    assert fit.place == "baseline/seed-0/shared"
    assert (fit.seed, fit.fold, fit.serves) == (0, None, None)
    assert (fit.training_subjects, fit.validation_subjects) == (9, 3)
    assert (fit.epochs, [part.steps for part in fit.parts], fit.validations) == (8, [80], 3)
    assert (fit.batch, fit.patch) == (4, (16, 16))


def test_there_is_a_fit_a_seed_fold_and_stage():
    fits = planned({"stages": "two"}, FOLDS, training_seeds=[3, 5]).fits

    assert [fit.name for fit in fits] == [
        f"seed-{seed}-fold-{fold}/{stage}" for seed in (3, 5) for fold in (0, 1) for stage in ("first", "shared")
    ]
    assert {(fit.epochs, fit.parts[0].steps) for fit in fits} == {(4, 40)}


def test_protected_groups_have_a_shared_fit_and_one_each_on_their_own_subjects():
    fits = planned({"stages": "protected_groups"}).fits

    assert [(fit.serves, fit.training_subjects, fit.validation_subjects) for fit in fits] == [
        (None, 9, 3),
        ("A", 3, 1),
        ("B", 3, 1),
        ("C", 3, 1),
    ]


def test_a_strategy_of_heart_regions_is_listed_before_its_localiser_is_trained():
    localiser, own = planned({"input": "roi"}, name="roi").fits

    assert (localiser.place, own.place) == ("localiser/seed-7", "roi/seed-0/shared")
    assert (localiser.epochs, localiser.parts[0].steps, localiser.validations, localiser.batch) == (3, 30, 0, 2)


def test_the_halves_of_fair_meta_learning_are_two_kinds_of_steps():
    listed = planned({"objective": SMALL_CLASSIFIER})

    assert [(part.kind.rpartition(" ")[0], part.steps) for part in listed.fits[0].parts] == [
        ("fair_meta_learning apart", 40),
        ("fair_meta_learning joint", 40),
    ]


def test_the_halves_lie_in_the_shared_stage_of_protected_group_models():
    listed = planned({"objective": SMALL_CLASSIFIER, "stages": "protected_groups"})

    assert [[part.steps for part in fit.parts] for fit in listed.fits] == [[20, 20], [40], [40], [40]]
    assert [kind.name.rpartition(" ")[0] for kind in listed.kinds] == [
        "fair_meta_learning apart",
        "fair_meta_learning joint",
        "segmentation",
    ]


@pytest.mark.parametrize("choices", [{}, {"sampler": "stratified_batch_sampling"}, {"stages": "two"}])
def test_steps_are_of_one_kind_whoever_is_in_the_batch_and_whatever_the_stage(choices):
    assert [kind.name for kind in planned(choices, FOLDS).kinds] == [kind.name for kind in planned().kinds]


def test_weights_of_groups_make_no_kind_of_their_own():
    fold_without_somebody = FOLDS.assign(split=[*PARTS * 3, "unused", *(PARTS * 3)[1:]])

    (kind,) = planned({"objective": "reweighing"}, fold_without_somebody).kinds

    assert kind.name.startswith("reweighing ")


def test_a_kind_is_measured_on_one_subject_of_each_group_that_its_objective_knows():
    (kind,) = planned({"objective": "group_dro"}).kinds

    assert sorted(kind.job.keys.values()) == ["A", "B", "C"]
    assert len(kind.job.training_subjects) == 3
    assert len(kind.job.validation_subjects) == 1


def test_a_strategy_that_the_cohort_cannot_serve_has_no_fits_and_a_reason():
    """A share that comes to no subject of a small group."""
    listed = planned({"cohort": {"kind": "smallest_share", "share": 0.01}}, name="rare")

    assert (listed.fits, listed.kinds) == ((), ())
    assert listed.reason.startswith("rare.strategy.cohort.share: 0.01 is less than half a subject")
