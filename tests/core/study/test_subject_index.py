"""Who takes part is decided by text, and a study without subjects is refused with the reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from faircmr.core import OWN_GROUPS, PROTECTED_GROUP, RESERVED, InvalidCohortError, InvalidParameterError
from faircmr.core.scans import Cohort
from faircmr.core.study import AttributeParameters, QuarantineParameters, index_study
from faircmr.core.study.index import index_subjects
from tests.core.study.test_scan_index import SUBJECTS, cohort_of, phantoms


def cohort(**columns: object) -> Cohort:
    whole = cohort_of(phantoms())
    return replace(whole, subjects=pd.DataFrame({"subject_id": SUBJECTS, **columns}))


def attributes(**changes: object) -> AttributeParameters:
    return AttributeParameters.model_validate({"protected_attribute": "sex", **changes})


CODES = {
    "whole": [0, 1, 0, 1, 0, 1],
    "decimals of a column with a gap": [0.0, 1.0, 0.0, 1.0, 0.0, np.nan],
    "text": ["0", "1", "0", "1", "0", None],
    "nullable": pd.array([0, 1, 0, 1, 0, None], dtype="Int64"),
    "categories": pd.Categorical([0, 1, 0, 1, 0, None]),
}


@pytest.mark.parametrize("codes", CODES.values(), ids=CODES)
def test_groups_have_the_same_names_whatever_the_type_of_their_codes(codes: object):
    found = index_subjects(
        cohort(sex=codes, site=codes),
        attributes(audit_attributes=["site"], missing_protected_attribute="drop"),
    )

    assert sorted(set(found["protected_group"])) == ["0", "1"]
    assert sorted(set(found["site"].dropna())) == ["0", "1"]


NOBODY = {
    "empty": [None] * 6,
    "empty numbers": [np.nan] * 6,
    "empty categories": pd.Categorical([None] * 6, categories=["F"]),
}


@pytest.mark.parametrize("policy", ["error", "drop"])
@pytest.mark.parametrize("values", NOBODY.values(), ids=NOBODY)
def test_an_attribute_that_no_subject_has_is_refused_whatever_the_policy(values: object, policy: str):
    study = attributes(missing_protected_attribute=policy)

    with pytest.raises(InvalidCohortError, match=r"'sex': missing for all 6 subjects; .*protected.*: vendor"):
        index_study(cohort(sex=values, vendor="A"), study, QuarantineParameters())


def test_a_column_that_the_table_lacks_is_named():
    without = replace(cohort(sex=[None] * 6, vendor="A"), absent_columns={"sex": "Sex"})

    with pytest.raises(InvalidCohortError, match="protected attribute 'sex': no column Sex in the table of subjects"):
        index_subjects(without, attributes(missing_protected_attribute="drop"))


def test_attributes_are_checked_before_any_scan_is_read():
    def fail(_: object) -> None:
        raise AssertionError("a scan is read")

    unread = replace(cohort(sex=[None] * 6), read_files=fail)

    with pytest.raises(InvalidCohortError, match="missing for all"):
        index_study(unread, attributes(), QuarantineParameters())


def test_a_covariate_with_odd_numbers_is_refused_and_may_be_declared():
    ages = cohort(sex=["F", "M"] * 3, age=["058Y", "061Y", "047Y", "055Y", "NA", "070Y"])

    with pytest.raises(
        InvalidParameterError, match=r"5 of the form '099X'\).*name it in attributes\.categorical"
    ) as error:
        index_subjects(ages, attributes(covariates=["age"]))
    assert "061Y" not in str(error.value)

    found = index_subjects(ages, attributes(covariates=["age"], categorical=["age"]))
    assert found["age"].tolist()[0] == "058Y"


@pytest.mark.parametrize(("declared", "values"), [((), [11025.0, 11026.0]), (("site",), ["11025", "11026"])])
def test_codes_that_look_like_numbers_are_numbers_unless_they_are_declared(declared: tuple[str, ...], values: list):
    coded = cohort(sex=["F", "M"] * 3, site=[11025.0, 11026.0] * 3)

    found = index_subjects(coded, attributes(covariates=["site"], categorical=declared))

    assert found["site"].tolist()[:2] == values


def test_a_category_that_is_no_covariate_is_refused():
    with pytest.raises(ValidationError, match="site is categorical and no covariate"):
        attributes(categorical=["site"])


def test_lists_may_be_written_as_one_text():
    assert attributes(covariates="age+site", categorical="site").covariates == ("age", "site")


@pytest.mark.parametrize("role", ["audit_attributes", "covariates"])
@pytest.mark.parametrize("name", RESERVED)
def test_an_attribute_cannot_have_the_name_of_a_column_of_the_study(name: str, role: str):
    people = cohort(**{"sex": ["F", "M"] * 3, name: list("abcabc")})

    with pytest.raises(InvalidParameterError, match=rf"'{name}' is an audit attribute or a covariate.*rename"):
        index_subjects(people, attributes(**{role: [name]}))


@pytest.mark.parametrize("name", RESERVED)
@pytest.mark.parametrize("audited", [True, False])
def test_the_protected_attribute_may_have_any_name(name: str, audited: bool):
    people = cohort(**{name: list("abcabc"), "sex": ["F", "M"] * 3})
    also = [name] if audited and name == PROTECTED_GROUP else []

    found = index_subjects(people, attributes(protected_attribute=name, audit_attributes=["sex", *also]))

    assert found[PROTECTED_GROUP].tolist() == list("abcabc")


@pytest.mark.parametrize("group", OWN_GROUPS)
@pytest.mark.parametrize("audited", [True, False])
def test_a_group_cannot_have_the_name_of_a_row_of_the_tables(group: str, audited: bool):
    people = cohort(sex=["F", "M"] * 3, site=[*"ababa", group])
    asked = attributes(audit_attributes=["site"]) if audited else attributes(protected_attribute="site")

    with pytest.raises(InvalidCohortError, match=rf"'site': a group is called '{group}'.*rename the group"):
        index_subjects(people, asked)
