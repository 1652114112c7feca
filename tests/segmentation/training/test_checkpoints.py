"""Checkpoints: two are kept, the newest readable one is used, and it restores the exact state."""

from pathlib import Path

import pytest
import torch

from faircmr.segmentation.training import Checkpoint, Progress, save_checkpoint
from faircmr.segmentation.training.records import EpochRecord
from faircmr.segmentation.training.state import clear_checkpoints, latest_checkpoint, recorded_fingerprint


def checkpoint_after(epochs: int, fingerprint: str = "this") -> Checkpoint:
    history = tuple(EpochRecord(loss=1 / 3, validation_dsc=None if epoch else 0.1) for epoch in range(epochs))
    return Checkpoint(Progress(fingerprint=fingerprint, history=history), {"weight": torch.full((2,), epochs / 7)})


def test_comes_back_exactly(tmp_path: Path):
    save_checkpoint(tmp_path, checkpoint_after(2))

    restored = latest_checkpoint(tmp_path, "this")

    assert restored is not None
    assert restored.progress == checkpoint_after(2).progress
    assert torch.equal(restored.tensors["weight"], torch.full((2,), 2 / 7))


def test_the_two_newest_are_kept(tmp_path: Path):
    for epochs in range(8, 13):
        save_checkpoint(tmp_path, checkpoint_after(epochs))

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint-000011.safetensors",
        "checkpoint-000012.safetensors",
    ]


def test_one_of_a_step_comes_after_that_of_the_epoch_before_and_exactly_back(tmp_path: Path):
    whole, next_one = checkpoint_after(2), checkpoint_after(3)
    progress = whole.progress.model_copy(update={"losses": (1 / 3, 0.1 + 0.2)})
    save_checkpoint(tmp_path, whole)
    save_checkpoint(tmp_path, Checkpoint(progress, {"weight": torch.ones(2) / 7}))

    restored = latest_checkpoint(tmp_path, "this")

    assert restored is not None
    assert restored.progress == progress
    assert torch.equal(restored.tensors["weight"], torch.ones(2) / 7)
    save_checkpoint(tmp_path, next_one)
    restored = latest_checkpoint(tmp_path, "this")
    assert restored is not None
    assert restored.progress == next_one.progress


@pytest.mark.parametrize("damage", [b"", b"\x00" * 200, None])
def test_one_that_cannot_be_read_is_passed_over_with_a_warning(
    tmp_path: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
):
    save_checkpoint(tmp_path, checkpoint_after(1))
    save_checkpoint(tmp_path, checkpoint_after(2))
    newest = tmp_path / "checkpoint-000002.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1] if damage is None else damage)

    restored = latest_checkpoint(tmp_path, "this")

    assert restored is not None
    assert len(restored.progress.history) == 1
    assert "checkpoint-000002.safetensors is truncated" in caplog.text


def test_one_of_another_fit_is_not_used(tmp_path: Path):
    save_checkpoint(tmp_path, checkpoint_after(3, "other"))

    assert latest_checkpoint(tmp_path, "this") is None


def test_the_newest_that_can_be_read_tells_whose_it_is(tmp_path: Path):
    save_checkpoint(tmp_path, checkpoint_after(1, "older"))
    save_checkpoint(tmp_path, checkpoint_after(2, "newer"))
    assert recorded_fingerprint(tmp_path) == "newer"

    (tmp_path / "checkpoint-000002.safetensors").write_bytes(b"half")

    assert recorded_fingerprint(tmp_path) == "older"
    assert recorded_fingerprint(tmp_path / "missing") is None


def test_there_may_be_none(tmp_path: Path):
    assert latest_checkpoint(tmp_path / "missing", "this") is None
    clear_checkpoints(tmp_path / "missing")


def test_clearing_removes_what_a_killed_process_left_half_written(tmp_path: Path):
    save_checkpoint(tmp_path, checkpoint_after(1))
    (tmp_path / ".123-checkpoint-000002.safetensors").write_bytes(b"half")
    (tmp_path / "weights.safetensors").write_bytes(b"whole")

    clear_checkpoints(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]
