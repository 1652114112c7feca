"""Receipts: which key an output was made under, and which key it would have now.

A receipt is stored next to a file (``scores.parquet.receipt.json``) or inside a folder (``receipt.json``).
It is removed before an output is saved and written after, so that work cut off in between has none. Of files in JSON
it holds a digest instead of the size: they are small, and say what the others are. Fits change theirs before the list
of them is saved, and strategies that share fits see those of each other.

A document that a person may edit (``edits_count``) is compared by its content: after an edit it is there
as before, under a key of its own.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from kedro.io import AbstractDataset, DataCatalog
from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from pydantic import BaseModel

from faircmr.core import Parameters, text_digest
from faircmr.core.host import check_lease, is_content, remove_durably, write_atomically
from faircmr.incremental.code_digest import CodeDigests

AnyDataset = AbstractDataset[Any, Any]
EDITED = " edited "
"""In the data of a key, between the digest of what determined a document and the digest of its edited content."""


@dataclass(frozen=True)
class Key:
    """What determined an output.

    Attributes:
        data: Digest of node, parameters and the data keys of its inputs.
        code: Digest of the code of the node and of everything before it.
    """

    data: str
    code: str

    @property
    def made_from(self) -> str:
        """Digest of what determined the output before somebody edited it."""
        return self.data.partition(EDITED)[0]

    @property
    def edited(self) -> bool:
        """Whether somebody has edited the output since."""
        return EDITED in self.data


def path_of(dataset: AnyDataset) -> Path | None:
    """File or folder of a data set; ``None`` for one in memory or elsewhere."""
    path = getattr(dataset, "_filepath", None)
    return None if path is None else Path(str(path))


def files_of(dataset: AnyDataset) -> list[Path]:
    """Files of a data set: those that its ``files()`` lists, else those at its ``_filepath``."""
    if hasattr(dataset, "files"):
        return [Path(file) for file in dataset.files()]
    path = path_of(dataset)
    if path is None:
        return []
    if not path.is_dir():
        return [path]
    return [file for file in sorted(path.rglob("*")) if file.is_file() and is_content(file, path)]


def key_of(dataset: AnyDataset) -> Key | None:
    """Key on the receipt; ``None`` without a receipt, or if a listed file is missing or has changed."""
    receipt = _receipt_path(dataset)
    if receipt is None:
        return None
    try:
        content = json.loads(receipt.read_bytes())
        if _edits_count(dataset):
            return _edited_key(Key(**content["key"]), content["content"], _content_digest(dataset))
        intact = all(_has_state(receipt.parent / file, state) for file, state in content["files"].items())
        return Key(**content["key"]) if intact else None
    # absent, cut off, or not a receipt
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def write_receipt(dataset: AnyDataset, key: Key) -> None:
    """Record the key under which the data set's present files were made.

    Raises:
        OutputError: The folder cannot be written.
    """
    receipt = _receipt_path(dataset)
    if receipt is not None:
        check_lease(path_of(dataset) or receipt)
        files = {
            file.relative_to(receipt.parent).as_posix(): _file_state(file)
            for file in files_of(dataset)
            if file != receipt
        }
        content = {"content": _content_digest(dataset)} if _edits_count(dataset) else {}
        text = json.dumps({"key": asdict(key), "files": files, **content}, indent=1, sort_keys=True)
        write_atomically(receipt, text.encode())


def remove_receipt(dataset: AnyDataset) -> None:
    """Remove the receipt of a data set.

    Raises:
        OutputError: The folder cannot be written.
    """
    receipt = _receipt_path(dataset)
    if receipt is not None:
        remove_durably(receipt)


def _file_state(file: Path) -> int | str:
    return _bytes_digest(file.read_bytes()) if file.suffix == ".json" else file.stat().st_size


def _has_state(file: Path, state: int | str) -> bool:
    # receipts of earlier versions hold the size of every file
    return (_file_state(file) if isinstance(state, str) else file.stat().st_size) == state


def _bytes_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _edits_count(dataset: AnyDataset) -> bool:
    return getattr(dataset, "edits_count", False)


def _content_digest(dataset: AnyDataset) -> str:
    return _bytes_digest(b"".join(file.read_bytes() for file in files_of(dataset)))


def _edited_key(key: Key, before: str, now: str) -> Key:
    return key if now == before else Key(f"{key.data}{EDITED}{now}", key.code)


def _receipt_path(dataset: AnyDataset) -> Path | None:
    path = path_of(dataset)
    if path is None:
        return None
    return path / "receipt.json" if path.is_dir() else path.with_name(f"{path.name}.receipt.json")


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

    Inputs that no node of the pipeline makes count as what is on disk: by their data set's
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
    inputs: dict[str, Key] = {}
    for node in pipeline.nodes:
        for name in set(node.inputs) - keys.keys() - inputs.keys():
            inputs[name] = (
                _parameter_key(name, catalog, parameters) if is_parameter(name) else _input_key(catalog.get(name))
            )
        key = _node_key(node, catalog, inputs | keys, code)
        for name in node.outputs:
            keys[name] = _expected_key(name, key, catalog, on_code_change)
    return keys


def _node_key(node: Node, catalog: DataCatalog, keys: Mapping[str, Key], digests: CodeDigests) -> Key:
    counted = [name for name in node.inputs if not getattr(catalog.get(name), "ignored_by_keys", False)]
    data: list[object] = [node.name, node.outputs]
    code = [digests.of(node.func, dataset_code(node, catalog))]
    for name in counted:
        data.append([name, keys[name].data])
        if not is_parameter(name):
            code.append(keys[name].code)
    return Key(_json_digest(data), _json_digest(code))


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


def _input_key(dataset: AnyDataset | None) -> Key:
    """Key of an input that no node of the pipeline makes."""
    if dataset is None:
        return ABSENT
    if hasattr(dataset, "fingerprint"):
        return Key(str(dataset.fingerprint()), "")
    key = key_of(dataset)
    if key is not None:
        return key
    states = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files_of(dataset) if file.is_file()]
    return Key(_json_digest(states), "") if states else ABSENT


def _expected_key(name: str, key: Key, catalog: DataCatalog, on_code_change: OnCodeChange) -> Key:
    """The key that an output is expected to have: ``key``, or that of the stored output if it may stay."""
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


def _parameter_key(name: str, catalog: DataCatalog, parameters: Mapping[str, BaseModel]) -> Key:
    """Key of a parameter."""
    model = parameters.get(name.removeprefix(PREFIX))
    if model is not None:
        return Key(_json_digest(_json_values(model)), "")
    # not catalog.load: it logs every parameter
    dataset = catalog.get(name)
    return Key(_json_digest(_json_values(None if dataset is None else dataset.load())), "")


def _json_values(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(key): _json_values(item) for key, item in value.items()}
    return value


def _json_digest(content: object) -> str:
    return text_digest(json.dumps(content, sort_keys=True, default=str))
