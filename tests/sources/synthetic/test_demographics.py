"""People: who they are depends on seed and id, and their hearts on nothing that a group or sex decides."""

import pandas as pd
import pytest

from faircmr.sources.synthetic.parameters import draw_person, recorded_attributes


def people(cohort_seed=0, count=600, group="A"):
    return [draw_person(cohort_seed, f"{group}{number:04d}") for number in range(count)]


def test_a_person_is_a_function_of_seed_and_id():
    assert draw_person(3, "B0007") == draw_person(3, "B0007")
    assert draw_person(3, "B0007") != draw_person(4, "B0007")
    assert draw_person(3, "B0007") != draw_person(3, "B0008")


def test_groups_are_alike():
    table = pd.concat([pd.DataFrame(people(group=group)) for group in "ABCDEF"])
    groups = table.groupby("group")[["age", "height", "weight", "body_size"]]

    # no group is further from the mean of all than chance explains
    deviation = (groups.mean() - groups.mean().mean()) / groups.sem()
    assert deviation.abs().max(axis=None) < 3.5
    assert groups.mean()["body_size"].between(0.99, 1.01).all()


def test_men_are_taller_but_body_size_is_relative_to_sex():
    table = pd.DataFrame(people(count=2000)).groupby("sex")[["height", "body_size"]].mean()

    assert table.loc["male", "height"] - table.loc["female", "height"] == pytest.approx(13, abs=1)
    assert table.loc["male", "body_size"] == pytest.approx(table.loc["female", "body_size"], abs=0.01)


def test_some_values_are_missing_but_never_group_or_sex():
    rows = pd.DataFrame([recorded_attributes(0, person) for person in people()])

    assert not rows[["source_id", "group", "sex"]].isna().any(axis=None)
    missing = rows[["age", "height", "weight", "centre"]].isna().mean()
    assert missing.between(0.01, 0.06).all()
