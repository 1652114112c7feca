"""Clinical measures by hand, and what is said where a phase or a structure is missing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidScoresError
from faircmr.core.scans import LabelImage, Phase, Structure
from faircmr.fairness.metrics.clinical import (
    Measure,
    clinical_errors,
    clinical_errors_of_subject,
    clinical_measures,
    clinical_table,
)
from faircmr.fairness.metrics.scan import score_scan
from faircmr.fairness.metrics.scoring import ScoredScan, collect_scores
from faircmr.fairness.tables import CELLS
from tests.fairness.metrics.volumes import empty

# EDV 150, ESV 60 of the left, 160 and 80 of the right ventricle; myocardium of 100 mL at ED
HEART = {"ED LVBP": 150.0, "ED LVM": 100.0, "ED RVBP": 160.0, "ES LVBP": 60.0, "ES LVM": 105.0, "ES RVBP": 80.0}
VOXEL = (10.0, 10.0, 10.0)  # 1 mL
REFERENCE = {Phase.ED: (10, 6, 12), Phase.ES: (4, 6, 6)}
"""Voxels of each structure in the label images of a small heart."""
volumes_ml = st.floats(1.0, 400.0)


def volumes(**changes: float) -> pd.DataFrame:
    """One subject; ``ED_LVBP=0`` changes the volume of a cell."""
    changed = {cell.replace("_", " "): volume for cell, volume in changes.items()}
    return pd.DataFrame([HEART | changed], index=pd.Index(["sub-0001"], name="subject_id"))


def heart(*voxels: int) -> LabelImage:
    image = empty((2, 5, 8))
    image.ravel()[: sum(voxels)] = np.repeat(list(Structure), voxels)
    return image


def errors(predicted: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    return clinical_errors(predicted, reference).set_index("measure")


def test_measures_by_hand():
    assert clinical_measures(volumes()).loc["sub-0001"].to_dict() == pytest.approx(
        {
            "LVEDV": 150.0,
            "LVESV": 60.0,
            "LVSV": 90.0,
            "LVEF": 60.0,
            "LV mass": 105.0,
            "RVEDV": 160.0,
            "RVESV": 80.0,
            "RVSV": 80.0,
            "RVEF": 50.0,
        }
    )


def test_errors_are_signed_and_in_the_unit_of_the_measure():
    found = errors(volumes(ED_LVBP=160.0, ED_LVM=90.0), volumes())

    assert found["error"].to_dict() == pytest.approx(
        {
            "LVEDV": 10.0,
            "LVESV": 0.0,
            "LVSV": 10.0,
            "LVEF": 62.5 - 60.0,
            "LV mass": -10.5,
            "RVEDV": 0.0,
            "RVESV": 0.0,
            "RVSV": 0.0,
            "RVEF": 0.0,
        }
    )
    assert found["unit"].to_dict() == {str(m): m.unit for m in Measure}
    assert found["unit"][["LVEDV", "LVEF", "LV mass", "RVSV", "RVEF"]].tolist() == ["mL", "%", "g", "mL", "%"]
    assert (found["problem"] == "").all()


@given(volumes_ml, volumes_ml, st.floats(0.1, 10.0))
def test_ejection_fraction_does_not_depend_on_the_size_of_the_heart(edv, esv, scale):
    one, other = (clinical_measures(volumes(ED_LVBP=s * edv, ES_LVBP=s * esv)) for s in (1.0, scale))

    assert other["LVEF"].item() == pytest.approx(one["LVEF"].item(), abs=1e-9)
    assert one["LVEF"].item() <= 100.0


class TestMissing:
    def test_a_structure_missed_at_ed_has_a_volume_of_0_and_no_ejection_fraction(self):
        found = errors(volumes(ED_LVBP=0.0), volumes())

        assert found.loc["LVEDV", "error"] == -150.0
        assert found.loc["LVSV", "error"] == -60.0 - 90.0
        assert np.isnan(found.loc["LVEF", "predicted"])
        assert found.loc["LVEF", "reference"] == 60.0
        assert found["problem"].to_dict() == {
            str(m): "ED LVBP missed" if m in {Measure.LVEDV, Measure.LVSV, Measure.LVEF} else "" for m in Measure
        }

    def test_a_structure_missed_at_es_ejects_everything_and_is_told(self):
        found = errors(volumes(ES_RVBP=0.0), volumes())

        assert found.loc["RVEF", ["predicted", "error", "problem"]].tolist() == [100.0, 50.0, "ES RVBP missed"]
        assert found.loc["RVEDV", "problem"] == ""

    def test_a_structure_that_was_not_drawn_has_no_reference(self):
        found = errors(volumes(), volumes(ED_LVM=0.0, ES_RVBP=0.0))

        assert found.loc[["LV mass", "RVESV", "RVEF"], ["reference", "error"]].isna().all(axis=None)
        assert found.loc[["LV mass", "RVESV", "RVEF"], "problem"].tolist() == [
            "ED LVM not drawn",
            "ES RVBP not drawn",
            "ES RVBP not drawn",
        ]
        assert found.loc["RVEDV", "error"] == 0.0

    def test_a_phase_without_scan_leaves_what_needs_it_undefined(self):
        nothing = {"ES_LVBP": np.nan, "ES_LVM": np.nan, "ES_RVBP": np.nan}
        found = errors(volumes(**nothing), volumes(**nothing))

        undefined = found.index[found["error"].isna()]
        assert undefined.tolist() == ["LVESV", "LVSV", "LVEF", "RVESV", "RVSV", "RVEF"]
        assert set(found.loc[undefined, "problem"]) == {"no ES scan"}
        assert (found.drop(undefined)["problem"] == "").all()

    def test_a_phase_that_was_drawn_and_not_predicted_is_told_apart(self):
        found = errors(volumes(ED_LVM=np.nan), volumes())

        assert found.loc["LV mass", ["reference", "problem"]].tolist() == [105.0, "no prediction at ED"]


class TestOfLabelImages:
    def test_by_hand(self):
        references = {phase: heart(*voxels) for phase, voxels in REFERENCE.items()}
        predictions = references | {Phase.ES: heart(5, 6, 6)}

        found = clinical_errors_of_subject(predictions, references, VOXEL).set_index("measure")

        assert "subject_id" not in found
        assert found.loc["LVEF", ["predicted", "reference", "error"]].tolist() == pytest.approx([50.0, 60.0, -10.0])
        assert found.loc["LV mass", "reference"] == pytest.approx(6.3)
        assert found.loc["RVSV", "reference"] == pytest.approx(6.0)

    def test_a_missing_phase_is_a_missing_key(self):
        references = {phase: heart(*voxels) for phase, voxels in REFERENCE.items()}

        only_ed = clinical_errors_of_subject({Phase.ED: references[Phase.ED]}, references, VOXEL)

        assert only_ed.set_index("measure").loc["LVESV", "problem"] == "no prediction at ES"

    @pytest.mark.parametrize("whose", ["predictions", "references"])
    def test_refuses_labels_outside_the_map_also_where_the_other_lacks_the_phase(self, whose):
        wrong = {Phase.ED: np.full((1, 1, 1), 9, np.uint8)}

        with pytest.raises(InvalidScoresError, match=r"a label that is no structure; labels 0\.\.3"):
            clinical_errors_of_subject(**{"predictions": {}, "references": {}, whose: wrong}, spacing=VOXEL)


class TestOfAScoreTable:
    @staticmethod
    def scores(*scans: tuple[str, int | None, Phase]) -> pd.DataFrame:
        reference = {phase: heart(*voxels) for phase, voxels in REFERENCE.items()}
        predicted = {**reference, Phase.ES: heart(5, 6, 6)}
        return collect_scores(
            (
                ScoredScan("baseline", seed, None, "cohort:1", subject_id, phase),
                score_scan(predicted[phase], reference[phase], VOXEL),
            )
            for subject_id, seed, phase in scans
        )

    def test_says_of_every_model_and_subject_what_label_images_say(self):
        subjects = ("sub-0001", "sub-0002")
        scans = [(subject_id, seed, phase) for subject_id in subjects for seed in (0, 1) for phase in Phase]

        table = clinical_table(self.scores(*scans))

        assert len(table) == 2 * 2 * len(Measure)
        assert table.groupby(["subject_id", "seed"]).size().eq(len(Measure)).all()
        assert table.loc[table["measure"] == "LVEF", "error"].to_numpy() == pytest.approx([-10.0] * 4)

    def test_keeps_models_of_all_seeds_together_whose_seed_is_missing(self):
        table = clinical_table(self.scores(("sub-0001", None, Phase.ED), ("sub-0001", None, Phase.ES)))

        assert len(table) == len(Measure)
        assert table["seed"].isna().all()
        assert table["error"].notna().all()

    def test_a_subject_without_a_phase_keeps_its_rows(self):
        scans = [("sub-0001", 0, Phase.ED), ("sub-0002", 0, Phase.ED), ("sub-0002", 0, Phase.ES)]

        table = clinical_table(self.scores(*scans))

        of_first = table[table["subject_id"] == "sub-0001"].set_index("measure")
        assert of_first.loc[["LVESV", "LVEF"], "problem"].tolist() == ["no ES scan"] * 2
        assert of_first.loc["LVEDV", "error"] == 0.0

    def test_refuses_scores_without_volumes(self):
        scores = self.scores(("sub-0001", 0, Phase.ED))

        with pytest.raises(InvalidScoresError, match=r"no rows of metric volume; .*; score the scans again"):
            clinical_table(scores[scores["metric"] == "dsc"])


def test_refuses_volumes_of_other_subjects():
    with pytest.raises(InvalidScoresError, match="other subjects than in reference"):
        clinical_errors(volumes(), volumes().rename({"sub-0001": "sub-0002"}))


def test_refuses_negative_volumes():
    with pytest.raises(InvalidScoresError, match="a negative volume; mL, 0 where nothing was found"):
        clinical_errors(volumes(ED_LVM=-1.0), volumes())


def test_the_cells_are_those_of_the_paper_s_table():
    assert set(HEART) == set(CELLS)
