"""Weights with the plans that they belong to, in one safetensors file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from faircmr.core.errors import InvalidModelError
from faircmr.core.files import write_whole
from faircmr.segmentation.differences import named_differences
from faircmr.segmentation.networks import SegmentationNetwork, build_network
from faircmr.segmentation.plans import Plans

REMEDY = "delete the fit's folder and run training again"


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors and text in one step: the file is whole or absent.

    Raises:
        OutputError: The folder cannot be written.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_whole(path, save(contiguous, dict(metadata)))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors on the CPU, and text, of one file.

    Raises:
        InvalidModelError: The file is missing, truncated or of another kind.
    """
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


def load_metadata(path: Path) -> dict[str, str]:
    """Text of one file, whose tensors are not read.

    Raises:
        InvalidModelError: As for :func:`load_tensors`.
    """
    with _opened(path) as file:
        return dict(file.metadata() or {})


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (OSError, SafetensorError) as error:
        raise InvalidModelError(path.name, "missing or truncated", "a whole safetensors file", REMEDY) from error


def save_network(path: Path, network: SegmentationNetwork, plans: Plans) -> None:
    """Write a network so that :func:`load_network` needs nothing else."""
    save_tensors(path, network.state_dict(), {"plans": plans.model_dump_json()})


def load_network(path: Path) -> tuple[SegmentationNetwork, Plans]:
    """Network and plans of one file.

    Raises:
        InvalidModelError: The file is damaged, or its weights do not fit its plans.
    """
    tensors, metadata = load_tensors(path)
    try:
        plans = Plans.model_validate_json(metadata.get("plans", ""))
    except ValidationError as error:
        first = error.errors()[0]
        raise _disagree(path, f"{'.'.join(('plans', *map(str, first['loc'])))}: {first['msg']}") from error
    network = build_network(plans, seed=0)
    if differing := named_differences(_shapes(tensors), _shapes(network.state_dict())):
        raise _disagree(path, f"{differing[0]}, and so on in {len(differing)} arrays")
    network.load_state_dict(tensors)
    return network, plans


def weights_of(path: Path, plans: Plans) -> dict[str, Tensor]:
    """Weights of one file, for a network of these plans.

    Raises:
        InvalidModelError: The file is damaged, or its network has other plans; names what differs.
    """
    network, stored = load_network(path)
    if differing := named_differences(stored.model_dump(mode="json"), plans.model_dump(mode="json")):
        raise InvalidModelError(path.name, "; ".join(differing), "weights of the same plans", REMEDY)
    return network.state_dict()


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in tensors.items()}


def _disagree(path: Path, difference: str) -> InvalidModelError:
    value = f"weights and plans disagree: {difference}"
    return InvalidModelError(path.name, value, "weights of this version", REMEDY)
