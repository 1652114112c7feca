"""A process that is alone does everything itself, and one too many is refused.

What several processes do together is tested in ``test_distributed.py``.
"""

import sys

import pytest
import torch
from torch import nn

from faircmr.core import InvalidParameterError
from faircmr.segmentation.data import Batch
from faircmr.segmentation.training import all_reduce_sum
from faircmr.segmentation.training.devices import any_rank, barrier, is_rank_zero, local_samples, shutdown, wrap_ddp

CPU = torch.device("cpu")


def test_alone_it_leads_computes_all_and_waits_for_nobody():
    module, batch, values = (
        nn.Linear(1, 1),
        Batch(torch.zeros(3, 1, 2, 2), torch.zeros(3, 2, 2), ("",) * 3, 0),
        torch.ones(2),
    )

    barrier()
    shutdown()

    assert is_rank_zero()
    assert wrap_ddp(module, CPU, samples=1) is module
    assert local_samples(batch) is batch
    assert all_reduce_sum(values) is values
    assert [any_rank(flag, CPU) for flag in (True, False)] == [True, False]
    assert "lightning_fabric" not in sys.modules, "it takes two seconds to import"


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if ``torch.distributed.run`` had started three processes."""
    monkeypatch.setattr(torch.distributed, "is_torchelastic_launched", lambda: True)
    monkeypatch.setenv("WORLD_SIZE", "3")


@pytest.mark.usefixtures("three")
def test_a_process_without_a_sample_is_refused():
    with pytest.raises(InvalidParameterError, match=r"devices: 3; at most 2, the samples of a batch; lower it"):
        wrap_ddp(nn.Linear(1, 1), CPU, samples=2)


@pytest.mark.usefixtures("three")
def test_a_process_without_a_gpu_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)

    with pytest.raises(InvalidParameterError, match=r"training.devices: 3; at most 1, the GPUs here"):
        wrap_ddp(nn.Linear(1, 1), torch.device("cuda"), samples=12)
