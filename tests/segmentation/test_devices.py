"""Devices and threads are taken by name and given back."""

import ctypes

import pytest
import torch

from faircmr.core.errors import InvalidParameterError
from faircmr.segmentation.devices import cpu_threads, device_of, keep_freed_memory


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch):
    for available, expected in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda available=available: available)

        assert device_of("auto").type == expected
        assert device_of("cpu").type == "cpu"


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(InvalidParameterError, match="device: cuda; auto or cpu"):
        device_of("cuda")


def test_threads_are_given_back_even_after_an_error():
    before = torch.get_num_threads()

    def fail() -> None:
        with cpu_threads(before + 1):
            assert torch.get_num_threads() == before + 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert torch.get_num_threads() == before


def test_keeping_memory_is_asked_of_the_c_library(monkeypatch: pytest.MonkeyPatch):
    asked = []

    class Library:
        mallopt = staticmethod(lambda option, value: asked.append((option, value)))

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library)
    keep_freed_memory()

    # malloc.h: M_MMAP_THRESHOLD is -3, M_TRIM_THRESHOLD is -1
    assert asked == [(-3, 2**30), (-1, 2**30)]


def test_a_c_library_without_that_setting_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())

    keep_freed_memory()
