"""All scores of a scan as rows: which are there, and that they join the score table of a study."""

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidScoresError
from faircmr.core.scans import Phase, Structure
from faircmr.core.study import SCORE_TYPES, validate_scores
from faircmr.fairness.metrics import LabelPair, Metric
from faircmr.fairness.metrics.scan import dice_score, score_scan, surface_distances
from faircmr.fairness.metrics.scoring import ScoredScan, collect_scores
from faircmr.fairness.tables import subject_scores
from tests.fairness.metrics.volumes import SPACING, block, empty, random_hearts

LVBP = block(slice(1, 4), slice(3, 6), slice(3, 6))
LARGER = block(slice(1, 4), slice(3, 7), slice(3, 6))
WORST = ((6 * 8.0) ** 2 + (12 * 1.5) ** 2 + (12 * 1.25) ** 2) ** 0.5
ML = 8 * 1.5 * 1.25 / 1000


def of_lvbp(prediction, reference):
    scores = score_scan(prediction, reference, SPACING)
    rows = scores[scores["structure"] == "LVBP"]
    return dict(zip(rows["metric"], rows["value"], strict=True))


def test_a_structure_that_was_found_has_every_score_but_that_of_inventing_it():
    scores = of_lvbp(LARGER, LVBP)

    assert set(scores) == set(Metric) - {Metric.INVENTED}
    assert scores["dsc"] == pytest.approx(2 * 27 / (27 + 36))
    assert scores["volume"] == pytest.approx(36 * ML)
    assert scores["reference_volume"] == pytest.approx(27 * ML)
    assert scores["volume_error"] == pytest.approx(9 * ML)
    assert scores["relative_volume_error"] == pytest.approx(1 / 3)
    assert scores["missed"] == 0.0


def test_a_missed_structure_has_the_worst_scores_and_is_counted():
    assert of_lvbp(empty(), LVBP) == pytest.approx(
        {
            "dsc": 0.0,
            "hd95": WORST,
            "assd": WORST,
            "volume_error": -27 * ML,
            "relative_volume_error": -1.0,
            "volume": 0.0,
            "reference_volume": 27 * ML,
            "missed": 1.0,
        }
    )


def test_an_invented_structure_has_the_worst_scores_and_is_counted():
    assert of_lvbp(LVBP, empty()) == pytest.approx(
        {
            "dsc": 0.0,
            "hd95": WORST,
            "assd": WORST,
            "volume_error": 27 * ML,
            "volume": 27 * ML,
            "reference_volume": 0.0,
            "invented": 1.0,
        }
    )


def test_a_structure_in_neither_image_has_volumes_of_nothing_and_was_not_invented():
    assert of_lvbp(empty(), empty()) == {"volume": 0.0, "reference_volume": 0.0, "invented": 0.0}


def test_means_of_missed_and_invented_are_rates_among_those_that_could_be():
    # drawn in three scans and missed in one of them; not drawn in two, and invented in one
    pairs = [(LVBP, LVBP), (LVBP, LVBP), (empty(), LVBP), (LVBP, empty()), (empty(), empty())]
    scores = pd.concat(score_scan(*pair, SPACING) for pair in pairs)
    flags = scores[scores["structure"] == "LVBP"].groupby("metric")["value"]

    assert flags.sum()[["missed", "invented"]].tolist() == [1.0, 1.0]
    assert flags.mean()[["missed", "invented"]].tolist() == pytest.approx([1 / 3, 1 / 2])


def test_scores_are_those_of_the_uncropped_images():
    prediction, reference = random_hearts(0)
    wide = [np.pad(image, ((0, 0), (9, 3), (0, 20))) for image in (prediction, reference)]
    scores = score_scan(*wide, SPACING).pivot(index="structure", columns="metric", values="value")
    distances = surface_distances(LabelPair(*wide, SPACING))

    by_name = [structure.name for structure in Structure]
    assert scores["dsc"][by_name].to_numpy() == pytest.approx(dice_score(*wide), rel=1e-15)
    assert scores["hd95"][by_name].to_numpy() == pytest.approx(distances.hd95, rel=1e-15)
    assert scores["assd"][by_name].to_numpy() == pytest.approx(distances.assd, rel=1e-15)


def test_rows_join_the_score_table_and_leave_the_tables_of_dice_as_they_are():
    scans = [ScoredScan("baseline", 0, None, "cohort:1", "sub-0001", phase) for phase in Phase]
    scores = collect_scores((scan, score_scan(LARGER, LVBP, SPACING)) for scan in scans)

    assert validate_scores(scores).dtypes.astype(str).to_dict() == SCORE_TYPES
    assert subject_scores(scores).loc["sub-0001", "Avg"] == pytest.approx(2 * 27 / (27 + 36))


def test_refuses_images_of_different_grids():
    with pytest.raises(InvalidScoresError, match=r"prediction: .*; the shape of its reference"):
        score_scan(LVBP[1:], LVBP, SPACING)
