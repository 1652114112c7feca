"""What cannot be used leaves with its subject, is listed with its reason, and never takes most of a cohort with it."""

import logging
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidCohortError, InvalidScanError
from faircmr.core.scans import Cohort, Phase
from faircmr.core.study import AttributeParameters, QuarantineParameters, index_study, validate_quarantine
from tests.core.study.test_scan_index import SUBJECTS, cohort_of, phantoms

REASON = "the image holds NaN or infinite intensities; finite intensities"
ATTRIBUTES = AttributeParameters(protected_attribute="sex")
LENIENT = QuarantineParameters(largest_share=0.5)


def cohort(*spoilt: tuple[str, Phase]) -> Cohort:
    scans = phantoms()
    for key in spoilt:
        scans[key] = replace(scans[key], image=np.full_like(scans[key].image, np.nan))
    whole = cohort_of(scans)
    return replace(whole, subjects=whole.subjects.assign(sex=["female", "male"] * 3))


def test_a_subject_leaves_with_both_phases():
    index = index_study(cohort((SUBJECTS[1], Phase.ES)), ATTRIBUTES, LENIENT)

    others = [subject for subject in SUBJECTS if subject != SUBJECTS[1]]
    assert index.subjects["subject_id"].tolist() == others
    assert index.scans["subject_id"].tolist() == [subject for subject in others for _ in Phase]
    assert index.quarantine.to_numpy().tolist() == [[SUBJECTS[1], "ES", REASON]]


def test_a_whole_cohort_has_an_empty_quarantine_of_the_right_form():
    index = index_study(cohort(), ATTRIBUTES, QuarantineParameters())

    assert validate_quarantine(index.quarantine).empty
    assert len(index.subjects) == 6


def test_whom_the_source_rejects_is_listed_and_counted(caplog: pytest.LogCaptureFixture):
    rejected = pd.DataFrame({"subject_id": ["sub-0099"], "phase": [pd.NA], "reason": ["an encrypted archive"]})

    spoilt = cohort((SUBJECTS[0], Phase.ED))
    everybody = pd.concat([spoilt.subjects, pd.DataFrame({"subject_id": ["sub-0099"], "sex": [pd.NA]})])

    with caplog.at_level(logging.WARNING):
        index = index_study(replace(spoilt, subjects=everybody, rejected=rejected), ATTRIBUTES, LENIENT)

    checked = validate_quarantine(index.quarantine)
    assert checked["subject_id"].tolist() == ["sub-0099", SUBJECTS[0]]
    assert index.subjects["subject_id"].tolist() == SUBJECTS[1:]
    assert checked["phase"].isna().tolist() == [True, False]
    assert "1 of 7 subjects are left out: an encrypted archive" in caplog.text
    assert f"1 of 7 subjects are left out: {REASON}" in caplog.text


def test_both_phases_of_a_subject_count_once(caplog: pytest.LogCaptureFixture):
    spoilt = cohort(*((SUBJECTS[0], phase) for phase in Phase))

    with caplog.at_level(logging.WARNING):
        index_study(spoilt, ATTRIBUTES, QuarantineParameters(largest_share=1 / 6))

    assert f"1 of 6 subjects are left out: {REASON}" in caplog.text


def test_more_than_the_permitted_share_ends_the_run():
    spoilt = cohort((SUBJECTS[2], Phase.ES), (SUBJECTS[4], Phase.ED))

    with pytest.raises(InvalidCohortError, match=r"2 of 6 .*first: sub-0003 ES: .*NaN.*at most 30 %.*key\.csv"):
        index_study(spoilt, ATTRIBUTES, QuarantineParameters(largest_share=0.3))


def test_the_first_one_ends_the_run_where_none_is_permitted():
    spoilt = cohort((SUBJECTS[2], Phase.ES), (SUBJECTS[4], Phase.ED))

    with pytest.raises(InvalidScanError, match=r"^sub-0003 ES: the image holds NaN.*key\.csv"):
        index_study(spoilt, ATTRIBUTES, QuarantineParameters(invalid_scans="error"))


def test_who_lacks_the_protected_attribute_may_be_quarantined_instead():
    spoilt = cohort((SUBJECTS[0], Phase.ED))
    unknown = replace(spoilt, subjects=spoilt.subjects.assign(sex=[pd.NA, "male", "female", "male", "female", "male"]))

    assert len(index_study(unknown, ATTRIBUTES, LENIENT).subjects) == 5
