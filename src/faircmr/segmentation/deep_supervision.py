"""A loss at every resolution of the decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.nn import functional

Loss = Callable[[Tensor, Tensor], Tensor]


def head_weights(heads: int) -> tuple[float, ...]:
    """Weights 1, 1/2, 1/4, ... from the full resolution down, divided by their sum.

    Source:
        nnU-Net v2 ``_build_loss``. Its lowest resolution has weight 0; here that head does not exist
        (:attr:`Plans.deep_supervision_heads` counts those that have a weight).
    """
    weights = [0.5**head for head in range(heads)]
    return tuple(weight / sum(weights) for weight in weights)


def deep_supervision(loss: Loss, heads: Sequence[Tensor], label: Tensor) -> Tensor:
    """Weighted sum of a loss over all heads.

    Args:
        loss: Of logits and label of one resolution.
        heads: Logits, full resolution first.
        label: Integer, shape (samples, rows, columns), reduced to each head's grid by nearest neighbour.
    """
    terms = [
        weight * loss(logits, reduced(label, logits.shape[2:]))
        for weight, logits in zip(head_weights(len(heads)), heads, strict=True)
    ]
    return sum(terms[1:], start=terms[0])


def reduced(label: Tensor, shape: Sequence[int]) -> Tensor:
    """Label on a coarser grid, by the pixel nearest to the centre of each cell."""
    if label.shape[1:] == tuple(shape):
        return label
    # interpolation knows no int64
    mask = label.unsqueeze(1).float()
    return functional.interpolate(mask, size=list(shape), mode="nearest-exact").squeeze(1).to(label.dtype)
