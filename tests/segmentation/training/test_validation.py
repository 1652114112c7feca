"""Validation DSC over the pixels of all samples, and of the samples of each subject."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from faircmr.segmentation import Precision
from faircmr.segmentation.data import Batch
from faircmr.segmentation.training import data as validation
from faircmr.segmentation.training import validate
from faircmr.segmentation.training.losses import one_hot

FULL: Precision = "full"


class Predicting(nn.Module):
    """Predicts the label that the image holds."""

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        assert not self.training
        return [one_hot(image[:, 0].long(), 4)]


def batch_of(predicted: list[int], label: list[int]) -> Batch:
    image = torch.tensor(predicted, dtype=torch.float32).reshape(1, 1, 1, -1)
    return Batch(image, torch.tensor(label, dtype=torch.uint8).reshape(1, 1, -1), ("",), 0)


def pooled(network: Predicting, batches: Sequence[Batch]) -> float:
    return validate(network, batches, ("everybody",), FULL).dsc


def test_is_the_mean_over_structures_of_the_dice_over_all_batches():
    network = Predicting().train()
    batches = [batch_of([1, 1, 0, 2], [1, 0, 0, 2]), batch_of([1, 0, 0, 0], [1, 1, 0, 2])]

    # structure 1: 2 in common, 3 predicted, 3 true; structure 2: 1, 1, 2; structure 3 is nowhere
    assert pooled(network, batches) == pytest.approx((4 / 6 + 2 / 3) / 2)
    assert network.training, "training goes on"


def test_a_structure_that_is_missed_or_invented_counts_as_zero():
    assert pooled(Predicting(), [batch_of([1, 0], [1, 3])]) == pytest.approx(0.5)
    assert pooled(Predicting(), [batch_of([1, 3], [1, 0])]) == pytest.approx(0.5)


def test_nothing_to_find_and_nothing_found_is_perfect():
    assert pooled(Predicting(), [batch_of([0, 0], [0, 0])]) == 1.0


def test_subjects_are_told_apart_by_their_turn():
    # three subjects, two samples a batch: the third batch begins with the second subject
    pairs = [([1, 1], [1, 1]), ([1, 0], [1, 1]), ([0, 0], [2, 2]), ([1, 1], [1, 0])]
    images = [torch.tensor(one, dtype=torch.float32).reshape(1, 1, 2) for one, _ in pairs]
    labels = [torch.tensor(one, dtype=torch.uint8).reshape(1, 2) for _, one in pairs]
    batches = [Batch(torch.stack(images[at : at + 2]), torch.stack(labels[at : at + 2]), ("", ""), 0) for at in (0, 2)]

    found = validate(Predicting(), batches, ("sub-a", "sub-b", "sub-c"), FULL)

    # of the first subject 3 pixels in common, 4 predicted and 3 true
    assert found.by_subject == pytest.approx({"sub-a": 6 / 7, "sub-b": 2 / 3, "sub-c": 0.0})
    assert found.dsc == pooled(Predicting(), batches)


def test_who_had_no_sample_has_no_dsc():
    assert set(validate(Predicting(), [batch_of([1], [1])], ("sub-a", "sub-b"), FULL).by_subject) == {"sub-a"}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12))
def test_of_one_subject_it_is_the_dsc_of_all(pixels: list[tuple[int, int]]):
    batches = [batch_of([one], [other]) for one, other in pixels]

    found = validate(Predicting(), batches, ("sub-a",), FULL)

    assert found.by_subject == {"sub-a": found.dsc}


def test_processes_that_share_a_fit_count_each_sample_once(monkeypatch: pytest.MonkeyPatch):
    batch = Batch(torch.tensor([[[[1.0]]], [[[0.0]]], [[[2.0]]]]), torch.tensor([[[1]], [[1]], [[2]]]), ("",) * 3, 0)
    subjects = ("sub-a", "sub-b", "sub-c")
    alone = validate(Predicting(), [batch], subjects, FULL)

    parts: list[torch.Tensor] = []
    for index in (0, 1):
        monkeypatch.setattr(validation, "local_samples", lambda whole, index=index: whole.part(index, 2))
        monkeypatch.setattr(validation, "all_reduce_sum", lambda counts: parts.append(counts) or sum(parts))
        together = validate(Predicting(), [batch], subjects, FULL)

    assert together == alone
    assert alone.by_subject == {"sub-a": 1.0, "sub-b": 0.0, "sub-c": 1.0}
