"""The parts of a batch are together the batch."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from faircmr.segmentation.data import Batch


@given(samples=st.integers(1, 12), parts=st.integers(1, 5))
def test_all_parts_together_are_the_batch_and_none_is_larger_by_two(samples: int, parts: int):
    whole = Batch(
        torch.arange(samples).reshape(-1, 1, 1, 1).float(),
        torch.arange(samples).reshape(-1, 1, 1),
        tuple(str(sample) for sample in range(samples)),
        step=3,
    )

    pieces = [whole.part(index, parts) for index in range(parts)]

    assert torch.equal(torch.cat([piece.image for piece in pieces]), whole.image)
    assert torch.equal(torch.cat([piece.label for piece in pieces]), whole.label)
    assert tuple(key for piece in pieces for key in piece.keys) == whole.keys
    assert {piece.step for piece in pieces} == {3}
    sizes = [len(piece.keys) for piece in pieces]
    assert max(sizes) - min(sizes) <= 1
