"""Weights files contain their plans and can be used without other files."""

from pathlib import Path

import pytest
import torch

from faircmr.core import InvalidModelError
from faircmr.segmentation.network import build_network, load_network, save_network, save_tensors
from tests.segmentation.phantoms import plans_of


def test_a_network_comes_back_with_its_plans(tmp_path: Path):
    network, image = build_network(plans_of(), seed=5), torch.randn(1, 1, 16, 16)
    save_network(tmp_path / "weights.safetensors", network, plans_of())

    restored, plans = load_network(tmp_path / "weights.safetensors")

    assert plans == plans_of()
    assert torch.equal(restored.eval()(image)[0], network.eval()(image)[0])


@pytest.mark.parametrize("content", [None, b"", b"no weights"])
def test_a_file_that_is_missing_or_damaged_is_refused(tmp_path: Path, content: bytes | None):
    path = tmp_path / "weights.safetensors"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(InvalidModelError, match=r"weights.safetensors: missing or truncated.*run training again"):
        load_network(path)


@pytest.mark.parametrize(
    ("plans", "named"),
    [
        (
            plans_of(filters=(4, 8, 16)).model_dump_json(),
            r"encoder\.2\.\S+ is \[8, 8, 3, 3\], expected \[16, 8, 3, 3\]",
        ),
        (plans_of().model_dump_json().replace("patch", "tile"), r"plans\.patch: Field required"),
        ("", "plans: Invalid JSON"),
    ],
)
def test_weights_of_other_plans_or_of_another_version_are_refused(tmp_path: Path, plans: str, named: str):
    path = tmp_path / "weights.safetensors"
    save_tensors(path, build_network(plans_of(), seed=5).state_dict(), {"plans": plans})

    with pytest.raises(InvalidModelError, match=f"weights and plans disagree: {named}"):
        load_network(path)


def test_an_array_that_another_version_did_not_have_is_named(tmp_path: Path):
    path, arrays = tmp_path / "weights.safetensors", build_network(plans_of(), seed=5).state_dict()
    save_tensors(
        path, {f"module.{name}": array for name, array in arrays.items()}, {"plans": plans_of().model_dump_json()}
    )

    with pytest.raises(InvalidModelError, match=r"\S+ is absent, expected \[.*\]"):
        load_network(path)
