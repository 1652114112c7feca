"""A machine is known by its processor, its CPUs and the GPUs that can be seen."""

import os

import pytest

from faircmr.core.host import this_machine

CPUINFO = "processor\t: 0\nmodel name\t: EPYC 7B13\n\nprocessor\t: 1\nmodel name\t: EPYC 7B13\n"


@pytest.fixture
def proc(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text(CPUINFO)
    (tmp_path / "dev").mkdir()
    return tmp_path / "proc"


def machine(proc):
    return this_machine(proc, proc.with_name("dev"))


def test_names_the_processor_and_counts_the_cpus(proc):
    assert machine(proc) == f"EPYC 7B13, {os.cpu_count()} CPUs"


def test_names_each_gpu_that_the_driver_lists(proc):
    folder = proc / "driver" / "nvidia" / "gpus" / "0000:01:00.0"
    folder.mkdir(parents=True)
    (folder / "information").write_text("Model: \t\t NVIDIA H100\nIRQ:   1\n")

    assert machine(proc).endswith(", NVIDIA H100")


def test_counts_gpus_that_the_driver_does_not_list_and_says_which_of_them_can_be_seen(proc, monkeypatch):
    (proc.with_name("dev") / "nvidia0").touch()
    (proc.with_name("dev") / "nvidiactl").touch()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    assert machine(proc).endswith(", 1 NVIDIA devices, CUDA_VISIBLE_DEVICES=")


def test_knows_something_of_a_system_without_such_files(tmp_path):
    assert this_machine(tmp_path, tmp_path)
