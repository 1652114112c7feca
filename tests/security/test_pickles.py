"""No file of a study is or holds a pickle, and one that somebody brings is refused without being read as one."""

from __future__ import annotations

import bz2
import gzip
import io
import pickle  # noqa: TID251 - what must not be read
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from faircmr.core import FaircmrError
from faircmr.core.scans import ScanFiles
from faircmr.core.user_input import read_user_table
from faircmr.segmentation.network import load_metadata, load_network, load_tensors
from faircmr.sources import read_scan
from tests.security.pickles import pickles_in
from tests.studies import Project


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (str(self.trace), "w")


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "was run"


def saved_by_torch(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)  # noqa: TID251 - what must not be read
    return file.getvalue()


def saved_by_numpy(content: object) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([content], dtype=object))
    return file.getvalue()


WRITERS: dict[str, Callable[[object], bytes]] = {
    **{f"protocol {one}": lambda content, one=one: pickle.dumps(content, one) for one in range(6)},
    "compressed": lambda content: gzip.compress(pickle.dumps(content)),
    "compressed by bzip2": lambda content: bz2.compress(pickle.dumps(content)),
    "of torch": saved_by_torch,
    "of NumPy": saved_by_numpy,
    "cut off": lambda content: pickle.dumps([content, *range(1000)])[:-20],
}


def test_a_pickle_is_dangerous(trace: Path):
    pickle.loads(pickle.dumps(Malicious(trace))).close()  # noqa: S301

    assert trace.exists()


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("harmless", [True, False])
def test_a_pickle_is_found_whatever_it_is_called(tmp_path: Path, trace: Path, write, harmless: bool):
    (tmp_path / "table.csv").write_bytes(write({"a": 1} if harmless else Malicious(trace)))

    assert pickles_in(tmp_path / "table.csv")
    assert not trace.exists()


def test_other_files_are_not_taken_for_pickles(tmp_path: Path):
    (tmp_path / "text.json").write_text('{"a": 1}')
    pd.DataFrame({"subject_id": ["sub-0001"], "sex": ["f"]}).to_csv(tmp_path / "table.csv", index=False)
    pd.DataFrame({"subject_id": ["sub-0001"]}).to_parquet(tmp_path / "table.parquet")
    (tmp_path / "checks.csv").write_text("check,status\nages,pass\n")
    np.save(tmp_path / "numbers.npy", np.zeros(3), allow_pickle=False)
    (tmp_path / "empty.txt").touch()

    assert [found for path in tmp_path.iterdir() for found in pickles_in(path)] == []


def test_no_file_of_a_study_is_a_pickle(guarded_study: Project):
    files = [path for path in guarded_study.data.rglob("*") if path.is_file()]

    assert len(files) > 100
    assert [found for path in files for found in pickles_in(path)] == []


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "weights": ("weights.safetensors", load_network),
    "a checkpoint": ("checkpoint-000001.safetensors", load_tensors),
    "a checkpoint's text": ("checkpoint-000001.safetensors", load_metadata),
    "a table in CSV": ("scores.csv", lambda path: read_user_table(path, "audit_scores")),
    "a table in Parquet": ("scores.parquet", lambda path: read_user_table(path, "audit_scores")),
    "a table by its suffix": ("scores.pkl", lambda path: read_user_table(path, "audit_scores")),
    "a scan": ("scan.nii", lambda path: read_scan(ScanFiles(path, None), {})),
    "a compressed scan": ("scan.nii.gz", lambda path: read_scan(ScanFiles(path, None), {})),
}


@pytest.mark.parametrize(("name", "read"), READERS.values(), ids=READERS)
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_pickle_in_the_place_of_what_users_bring_is_not_run(tmp_path: Path, trace: Path, name: str, read, write):
    (tmp_path / name).write_bytes(write(Malicious(trace)))

    with suppress(FaircmrError):  # the oldest two protocols are text, and a table of one column as that
        read(tmp_path / name)

    assert not trace.exists()
