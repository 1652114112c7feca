"""What a study was made with: versions, parameters, fingerprints of the data, seeds."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

import pandas as pd

from faircmr.core.parameters import Parameters

PACKAGES = ("faircmr", "kedro", "numpy", "pandas", "scipy", "torch", "monai", "nibabel", "matplotlib")
COLUMNS = ["part", "name", "value"]
VERSIONS, DATA, SEEDS = "versions", "data", "seeds"


def provenance(study_key: str, parameters: Mapping[str, Parameters]) -> pd.DataFrame:
    """One row a fact.

    Args:
        study_key: Digests of what all strategies of the study share (``cohort:1a2b splits:3c4d``).
        parameters: By name; and whatever else of the data is a model, such as its fingerprint.

    Returns:
        ``part`` (``versions``: of what wrote the report; ``data``: digests; ``seeds``: every parameter whose name says
        so; then one a model), ``name`` and ``value`` as text. No date: the same study gives the same table.
    """
    given = [
        (part, name, value)
        for part, model in parameters.items()
        for name, value in _flat(model.model_dump(mode="json"))
    ]
    seeds = [(SEEDS, f"{part}.{name}", value) for part, name, value in given if "seed" in name]
    digests = [(DATA, *one.split(":", 1)) for one in study_key.split()]
    return pd.DataFrame([*_versions(), *digests, *seeds, *given], columns=COLUMNS)


def _versions() -> Iterator[tuple[str, str, str]]:
    yield VERSIONS, "Python", platform.python_version()
    for package in PACKAGES:
        try:
            yield VERSIONS, package, version(package)
        except PackageNotFoundError:
            yield VERSIONS, package, "not installed"


def _flat(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for place, inner in enumerate(value):
            yield from _flat(inner, f"{name}[{place}]")
    else:
        yield name, " ".join(map(str, value)) if isinstance(value, list) else str(value)
