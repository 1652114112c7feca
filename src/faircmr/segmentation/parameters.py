"""Parameters of training, augmentation and prediction, with nnU-Net's values as defaults."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from faircmr.core import Parameters

Precision = Literal["full", "mixed"]
"""Precision of the network's forward pass: float32 (``full``), or bfloat16 where that is safe (``mixed``)."""


class RandomRange(Parameters):
    """A random change: its probability, and the range of its strength (uniform).

    Attributes:
        probability: Share of changed samples, 0..1.
        low: Smallest strength.
        high: Largest strength.
    """

    probability: float = Field(ge=0.0, le=1.0)
    low: float
    high: float

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low is {self.low:g} and high is {self.high:g}: low must not exceed high")
        return self


class PositiveRange(RandomRange):
    """A random change whose strength is a factor above zero."""

    low: float = Field(gt=0.0)


class FactorRange(PositiveRange):
    """A random factor around 1: half of the factors are below 1 and half above, each half uniform.

    Source:
        ``BGContrast`` of batchgeneratorsv2, which nnU-Net uses.
    """

    @model_validator(mode="after")
    def _lies_around_one(self) -> Self:
        if not self.low <= 1.0 <= self.high:
            raise ValueError(f"low is {self.low:g} and high is {self.high:g}: 1 must be between them")
        return self


class SpreadRange(RandomRange):
    """A random change whose strength is a width of at least zero."""

    low: float = Field(ge=0.0)


class AugmentationParameters(Parameters):
    """nnU-Net's 2-D augmentation.

    Attributes:
        rotation: Degrees.
        scaling: Size of the visible region relative to the patch; 1.4 shrinks the heart to 1/1.4.
        noise: Standard deviation of Gaussian noise, in units of the normalised image.
        blur: Standard deviation of a Gaussian kernel, in pixels.
        brightness: Factor on intensities.
        contrast: Factor on the distance from the mean, clipped to the range of the sample.
        low_resolution: Size of the grid that the sample is downsampled to, relative to its own grid.
        inverted_gamma: Exponent, applied to the inverted image.
        gamma: Exponent; mean and standard deviation of the sample are kept.
        mirroring: Probability of a flip along rows, and of one along columns, 0..1.

    Source:
        nnU-Net v2 ``nnUNetTrainer.get_training_transforms``. For blur and low resolution it draws a probability for
        each sample (0.2 and 0.25) and for each channel (0.5); here, with one channel, their product.
    """

    rotation: RandomRange = RandomRange(probability=0.2, low=-180.0, high=180.0)
    scaling: PositiveRange = PositiveRange(probability=0.2, low=0.7, high=1.4)
    noise: SpreadRange = SpreadRange(probability=0.1, low=0.0, high=0.1)
    blur: PositiveRange = PositiveRange(probability=0.1, low=0.5, high=1.0)
    brightness: FactorRange = FactorRange(probability=0.15, low=0.75, high=1.25)
    contrast: FactorRange = FactorRange(probability=0.15, low=0.75, high=1.25)
    low_resolution: PositiveRange = PositiveRange(probability=0.125, low=0.5, high=1.0)
    inverted_gamma: FactorRange = FactorRange(probability=0.1, low=0.7, high=1.5)
    gamma: FactorRange = FactorRange(probability=0.3, low=0.7, high=1.5)
    mirroring: float = Field(default=0.5, ge=0.0, le=1.0)


class TrainingParameters(Parameters):
    """Training parameters, the same for all strategies of a study.

    Attributes:
        epochs: Epochs of the schedule.
        iterations_per_epoch: Steps in each epoch.
        learning_rate: Of the first epoch; falls to zero by ``poly_exponent``.
        momentum: Nesterov momentum.
        weight_decay: L2 penalty.
        poly_exponent: Exponent of the schedule ``(1 - epoch / epochs) ** poly_exponent``.
        gradient_clip: Largest norm of the gradient.
        foreground_oversampling: Share of each batch that is centred on a structure, 0..1.
        augmentation: Random changes of training samples.
        device: ``auto`` uses a GPU if one is available.
        devices: Number of processes that share every batch, one for each GPU; on a CPU each has ``threads``
            threads. The weights equal those of one device up to the last bits.
        precision: Of the forward pass; weights, loss and optimiser are always float32.
        threads: CPU threads of one process; results are bit-identical only for equal numbers of threads.
        final_weights: Weights to predict with: the last, or the best by validation DSC.
        validation_interval: Epochs between two validations; the last epoch is always validated.
        validation_batches: Batches of one validation; always the same samples.

    Source:
        Isensee et al. 2021, nnU-Net; the paper trains 1,000 epochs of 250 steps.
    """

    epochs: int = Field(default=1000, ge=1)
    iterations_per_epoch: int = Field(default=250, ge=1)
    learning_rate: float = Field(default=0.01, gt=0.0)
    momentum: float = Field(default=0.99, gt=0.0, lt=1.0)
    weight_decay: float = Field(default=3e-5, ge=0.0)
    poly_exponent: float = Field(default=0.9, gt=0.0)
    gradient_clip: float = Field(default=12.0, gt=0.0)
    foreground_oversampling: float = Field(default=1 / 3, ge=0.0, le=1.0)
    augmentation: AugmentationParameters = AugmentationParameters()
    device: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int = Field(default=1, ge=1)
    precision: Precision = "full"
    threads: int = Field(default=2, ge=1)
    final_weights: Literal["last", "best"] = "last"
    validation_interval: int = Field(default=1, ge=1)
    validation_batches: int = Field(default=8, ge=1)


class InferenceParameters(Parameters):
    """Parameters of prediction with a trained network.

    Attributes:
        overlap: Overlap of neighbouring windows as a share of the patch, for slices larger than the patch.
        mirroring: Average the predictions of the four mirror images (takes four times as long).
        batch_size: Windows in one forward pass.
        device: ``auto`` uses a GPU if one is available.
        precision: Of the forward pass; probabilities are always float32.
        threads: CPU threads.
        ensemble: ``seeds`` averages the probabilities of all seeds of a fold to one prediction for each
            scan; ``none`` predicts with each seed separately.
        postprocessing: ``largest_component`` keeps only the largest connected component of each structure whose
            mean validation DSC rises by it; ``none`` leaves predictions unchanged.
    """

    overlap: float = Field(default=0.5, ge=0.0, lt=1.0)
    mirroring: bool = False
    batch_size: int = Field(default=16, ge=1)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Precision = "full"
    threads: int = Field(default=2, ge=1)
    ensemble: Literal["none", "seeds"] = "none"
    postprocessing: Literal["none", "largest_component"] = "largest_component"
