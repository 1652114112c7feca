"""Kedro's own commands work in the project."""

from __future__ import annotations

import pytest

from tests.studies import Project


@pytest.mark.parametrize(
    ("command", "shows"),
    [
        ("registry list", "stratified"),
        ("registry describe stratified", "stratified.train"),
        ("catalog describe-datasets --pipeline data_engineering", "TensorsDataset"),
        ("catalog list-patterns", "{strategy}.scores"),
        ("catalog resolve-patterns --pipeline baseline", "table1_baseline.csv"),
    ],
)
def test_kedros_commands_show_the_project(tiny_project: Project, command: str, shows: str):
    result = tiny_project.kedro(*command.split())

    assert result.returncode == 0, result.stderr
    assert shows in result.stdout


def test_showing_the_project_writes_no_data(tiny_project: Project):
    tiny_project.kedro("catalog", "describe-datasets")

    assert tiny_project.contents() == {}
