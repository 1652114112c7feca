"""What one training step sees."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Samples of one step.

    Attributes:
        image: Shape (samples, channels, rows, columns), float32.
        label: Class of each pixel, uint8, shape (samples, rows, columns).
        keys: Opaque key of each sample's subject.
        step: Step from 0; everything random about the batch is a function of it and the seed.
    """

    image: Tensor
    label: Tensor
    keys: tuple[str, ...]
    step: int

    def part(self, index: int, parts: int) -> Batch:
        """Consecutive samples, such that all parts together are the batch.

        Args:
            index: Which part, from 0.
            parts: How many; their sizes differ by one at most.
        """
        samples = slice(index * len(self.keys) // parts, (index + 1) * len(self.keys) // parts)
        return replace(self, image=self.image[samples], label=self.label[samples], keys=self.keys[samples])
