"""Every configured parameter against what the registered pipelines read, before anything runs.

Kedro merges a misspelt name silently beside the right one, in YAML as on the command line; here it ends
the run and shows the nearest right name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from kedro.pipeline import Pipeline
from kedro.validation.type_extractor import TypeExtractor
from pydantic import BaseModel

from faircmr.core.cluster_parameters import ClusterParameters
from faircmr.core.errors import InvalidParameterError
from faircmr.core.validation import known_paths, unknown_name, validated
from faircmr.incremental.keys import IncrementalParameters

PREFIX = "params:"
READ_BY_NO_NODE: dict[str, type[BaseModel]] = {"incremental": IncrementalParameters, "cluster": ClusterParameters}


def check_parameters(
    configured: Mapping[str, Any], pipelines: Mapping[str, Pipeline], setting_names: Collection[str]
) -> dict[str, BaseModel]:
    """Check names and values of all parameters.

    Args:
        configured: Parameters as they come out of YAML and the command line.
        pipelines: Every registered pipeline: what one of them reads is a parameter.
        setting_names: Names of ``conf/base/globals.yml``, which the catalog reads and not a node.

    Returns:
        Those of which a form is known, as models.

    Raises:
        InvalidParameterError: A name is unknown at some level or is in the wrong file, a value is not permitted, or
            a parameter that a node reads is missing.
    """
    models = _models(pipelines) | READ_BY_NO_NODE
    needed = _read_by_nodes(pipelines)
    read = needed | READ_BY_NO_NODE.keys()
    given = dict(_given(configured, read))
    for place, value in given.items():
        if place not in read and place in setting_names:
            remedy = "move it to globals.yml of the same folder, or write it after --params"
            raise InvalidParameterError(place, "in parameters*.yml", "read from globals.yml alone", remedy)
        if place not in read:
            known = [path for name, model in models.items() for path in known_paths(model, name)]
            raise unknown_name(place, value, {*known, *read, *setting_names})
    made = {place: validated(models[place], given[place], place) for place in sorted(given.keys() & models.keys())}
    for name in sorted(needed):
        if not any(f"{name}.".startswith(f"{place}.") for place in given):
            raise InvalidParameterError(name, "missing", "a value is needed", "set it in conf/base/parameters_*.yml")
    return made


def _models(pipelines: Mapping[str, Pipeline]) -> dict[str, type[BaseModel]]:
    # Kedro says type, and also means unions with None
    types: dict[str, Any] = {**TypeExtractor(dict(pipelines)).extract_types_from_pipelines()}
    return {name: model for name, model in types.items() if isinstance(model, type) and issubclass(model, BaseModel)}


def _read_by_nodes(pipelines: Mapping[str, Pipeline]) -> set[str]:
    inputs = {name for pipeline in pipelines.values() for name in pipeline.inputs()}
    return {name.removeprefix(PREFIX) for name in inputs if name.startswith(PREFIX)}


def _given(configured: Mapping[str, Any], read: Collection[str], above: str = "") -> Iterator[tuple[str, Any]]:
    """Configured values at the level at which nodes read them; where none does, as they stand."""
    for name, value in configured.items():
        place = f"{above}{name}"
        lies_above = any(one.startswith(f"{place}.") for one in read)
        if lies_above and place not in read and isinstance(value, Mapping):
            yield from _given(value, read, f"{place}.")
        else:
            yield place, value
