"""Questions are declared whole, or refused before anything is computed."""

import pytest
from pydantic import ValidationError

from faircmr.fairness.audit import AuditColumns, AuditParameters


@pytest.mark.parametrize("name", ["attributes", "covariates", "mediators"])
@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("race+sex", ("race", "sex")),
        ("race", ("race",)),
        ("body mass index+sex", ("body mass index", "sex")),
        ("", ()),
        (["race", "sex"], ("race", "sex")),
    ],
)
def test_a_list_may_be_written_as_one_text(name, given, read):
    assert getattr(AuditParameters.model_validate({name: given}), name) == read


@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.2])
def test_intervals_are_as_sure_as_tests_are(alpha):
    assert AuditParameters(alpha=alpha).confidence == pytest.approx(1 - alpha)


@pytest.mark.parametrize(
    ("name", "least"), [("margin", 1e-6), ("alpha", 1e-6), ("min_group_size", 2), ("draws", 100)], ids=str
)
def test_the_least_of_each_number_is_taken(name, least):
    assert getattr(AuditParameters(**{name: least}), name) == least


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"margin": 0.0}, "greater than 0"),
        ({"margin": 1.0}, "less than 1"),
        ({"alpha": 5}, "less than 1"),
        ({"min_group_size": 1}, "greater than or equal to 2"),
        ({"draws": 99}, "greater than or equal to 100"),
        ({"covariate": "age"}, "Extra inputs are not permitted"),
        ({"covariates": "age+heart_ml", "mediators": "heart_ml"}, "heart_ml is both a covariate and a mediator"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked, said):
    with pytest.raises(ValidationError, match=said):
        AuditParameters.model_validate(asked)


def test_a_declared_question_is_not_changed_afterwards():
    with pytest.raises(ValidationError, match="frozen"):
        AuditParameters().alpha = 0.2


def test_names_are_of_columns_and_not_of_the_pattern():
    columns = AuditColumns(subject="eid", case_pattern=r"(?P<subject>\d+)")

    assert columns.names == ("eid", "model", "seed", "phase", "structure", "metric", "value", "case")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"subject": "id", "case": "id"}, "two of them have one name"),
        ({"model": "seed"}, "two of them have one name"),
        ({"case_pattern": r"(\d+)"}, r"no group \(\?P<subject>"),
        ({"case_pattern": r"(?P<subject>\d+"}, "no regular expression: missing"),
    ],
)
def test_columns_that_cannot_be_told_apart_and_cases_of_nobody_are_refused(columns, said):
    with pytest.raises(ValidationError, match=said):
        AuditColumns(**columns)
