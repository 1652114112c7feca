"""Expected keys: what the outputs of a pipeline would be made from if it ran now."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any, Literal

from kedro.io import DataCatalog
from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from pydantic import BaseModel

from faircmr.core.parameters import Parameters
from faircmr.incremental.code_digest import CodeDigests
from faircmr.incremental.receipts import AnyDataset, Key, files_of, key_of

OnCodeChange = Literal["redo", "keep"]
PREFIX = "params:"
ABSENT = Key("absent", "")
EDIT_STANDS = "%s was edited by hand and is used as it stands; delete the file to have it made again"
EDIT_IS_LOST = "%s was edited by hand and is made again, for what it is made from has changed"
logger = logging.getLogger(__name__)


class IncrementalParameters(Parameters):
    """The parameters ``incremental``.

    Attributes:
        on_code_change: ``redo`` what was made by other code, or ``keep`` it with a warning.
    """

    on_code_change: OnCodeChange = "redo"


def expected_keys(
    pipeline: Pipeline, catalog: DataCatalog, parameters: Mapping[str, BaseModel], on_code_change: OnCodeChange
) -> dict[str, Key]:
    """Key of every output of the pipeline, in topological order.

    Inputs that no node of the pipeline makes count as what lies on disk: by their data set's
    ``fingerprint()``, else by their receipt, else by size and time of their files. Data sets with
    ``ignored_by_keys = True`` do not count. A document that somebody has edited stays, and counts as edited,
    until what it was made from changes.

    Args:
        pipeline: The nodes that may run.
        catalog: Where their inputs and outputs lie.
        parameters: Those of which a form is known, as models. In the catalog Kedro makes models of what the nodes of
            the run at hand ask for, and leaves the others as they stand in the file; the key is the same for all runs.
        on_code_change: With ``keep``, an output whose data key still holds is expected to stay as it is.
    """
    code = CodeDigests()
    keys: dict[str, Key] = {}
    found: dict[str, Key] = {}
    for node in pipeline.nodes:
        for name in set(node.inputs) - keys.keys() - found.keys():
            found[name] = _given(name, catalog, parameters) if is_parameter(name) else _found(catalog.get(name))
        key = _node_key(node, catalog, found | keys, code)
        for name in node.outputs:
            keys[name] = _standing(name, key, catalog, on_code_change)
    return keys


def _node_key(node: Node, catalog: DataCatalog, keys: Mapping[str, Key], digests: CodeDigests) -> Key:
    counted = [name for name in node.inputs if not getattr(catalog.get(name), "ignored_by_keys", False)]
    data: list[object] = [node.name, node.outputs]
    code = [digests.of(node.func, dataset_code(node, catalog))]
    for name in counted:
        data.append([name, keys[name].data])
        if not is_parameter(name):
            code.append(keys[name].code)
    return Key(_digest(data), _digest(code))


def dataset_code(node: Node, catalog: DataCatalog) -> list[str]:
    """Classes that read and write what the node handles, and classes that their configuration names."""
    names: list[str] = []
    for name in [*node.inputs, *node.outputs]:
        dataset = None if is_parameter(name) else catalog.get(name)
        if dataset is not None:
            names.append(f"{type(dataset).__module__}.{type(dataset).__qualname__}")
            configuration = getattr(dataset, "_init_args", None) or {}
            names += [value for value in configuration.values() if isinstance(value, str)]
    return names


def _found(dataset: AnyDataset | None) -> Key:
    """Key of what lies on disk."""
    if dataset is None:
        return ABSENT
    if hasattr(dataset, "fingerprint"):
        return Key(str(dataset.fingerprint()), "")
    key = key_of(dataset)
    if key is not None:
        return key
    states = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files_of(dataset) if file.is_file()]
    return Key(_digest(states), "") if states else ABSENT


def _standing(name: str, key: Key, catalog: DataCatalog, on_code_change: OnCodeChange) -> Key:
    """The key that an output is expected to have: ``key``, or that of what stands there and may stay."""
    dataset = catalog.get(name)
    before = None if dataset is None else key_of(dataset)
    if before is None:
        return key
    may_stay = before.made_from == key.data and (before.code == key.code or on_code_change == "keep")
    if before.edited:
        logger.warning(EDIT_STANDS if may_stay else EDIT_IS_LOST, name)
    if may_stay and before.code != key.code:
        logger.warning("%s was made by other code and is kept (incremental.on_code_change: keep)", name)
    return before if may_stay else key


def _given(name: str, catalog: DataCatalog, parameters: Mapping[str, BaseModel]) -> Key:
    """Key of a parameter."""
    model = parameters.get(name.removeprefix(PREFIX))
    if model is not None:
        return Key(_digest(_plain(model)), "")
    # not catalog.load: it logs every parameter
    dataset = catalog.get(name)
    return Key(_digest(_plain(None if dataset is None else dataset.load())), "")


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:32]
