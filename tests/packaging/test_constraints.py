"""``constraints.txt`` holds the exact versions that the tests have passed with, and these are installed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PINNED = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[0-9][0-9A-Za-z.]*)")
ACCELERATOR_RUNTIME = re.compile(r"nvidia-|cuda-|triton|pytorch-triton|intel-|mkl|tbb")
"""What builds of torch for accelerators bring along; torch pins it by itself."""


@pytest.fixture(scope="module")
def lines(project_root: Path) -> list[str]:
    return [line for line in (project_root / "constraints.txt").read_text().splitlines() if not line.startswith("#")]


@pytest.fixture(scope="module")
def pinned(lines: list[str]) -> dict[str, Version]:
    matches = [PINNED.fullmatch(line) for line in lines]
    return {canonicalize_name(match["name"]): Version(match["version"]) for match in matches if match}


@pytest.fixture(scope="module")
def declared(project_root: Path) -> list[Requirement]:
    project = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    every = [Requirement(line) for group in groups for line in group]
    # one extra brings another
    return [requirement for requirement in every if requirement.name != project["name"]]


def reachable(requirements: list[Requirement]) -> Iterator[tuple[str, Version]]:
    """Installed distributions that requirements lead to, themselves included."""
    waiting, seen = list(requirements), set()
    while waiting:
        requirement = waiting.pop()
        for extra in {"", *requirement.extras}:
            name = canonicalize_name(requirement.name)
            if (name, extra) in seen or ACCELERATOR_RUNTIME.match(name):
                continue
            seen.add((name, extra))
            found = distribution(name)
            yield name, Version(found.version)
            children = [Requirement(line) for line in found.requires or []]
            waiting += [child for child in children if not child.marker or child.marker.evaluate({"extra": extra})]


def test_every_line_is_one_exact_version_without_path_or_local_label(lines: list[str]):
    assert [line for line in lines if not PINNED.fullmatch(line)] == []
    assert lines == sorted(lines, key=lambda line: canonicalize_name(line.partition("==")[0]))


def test_what_is_installed_is_what_was_tested(declared: list[Requirement], pinned: dict[str, Version]):
    installed = {name: Version(version.public) for name, version in reachable(declared)}

    assert {name: str(version) for name, version in installed.items() if pinned.get(name) != version} == {}


def test_every_declared_range_contains_the_tested_version(declared: list[Requirement], pinned: dict[str, Version]):
    outside = [str(each) for each in declared if pinned[canonicalize_name(each.name)] not in each.specifier]

    assert outside == []


def test_torch_is_named_as_its_release_on_every_platform(lines: list[str]):
    assert "torch==2.13.0" in lines


def test_a_distribution_that_is_missing_is_an_error():
    with pytest.raises(PackageNotFoundError):
        list(reachable([Requirement("no-such-distribution")]))
