"""A save that is cut off anywhere leaves what was there, what is to be there, or nothing; and the next one mends it.

Every save runs in a process of its own, which ends as SIGKILL ends one, or is told that the disk is full, at its k-th
request to the file system for a change, for every k.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pandas as pd
import pytest

from faircmr import datasets
from faircmr.core import omission_table
from faircmr.core.scans import (
    FrameLabel,
    FrameVolumes,
    Geometry,
    PendingSubject,
    Phase,
    Prediction,
    Scan,
    SegmentedSubject,
    Structure,
    SubjectRecord,
)
from faircmr.datasets import (
    BytesDataset,
    CinePredictionsDataset,
    JsonModelDataset,
    ModelsDataset,
    NnunetRawDataset,
    PredictionsDataset,
    StudyDataset,
    TableDataset,
    TensorsDataset,
    TextDataset,
)
from faircmr.incremental import IncrementalCatalog, files_of
from faircmr.incremental.receipts import AnyDataset, Key
from faircmr.segmentation.data import SubjectTensors
from faircmr.segmentation.training import FitRecord, TrainedModels
from faircmr.sources.nnunet import NnunetCase, NnunetExport
from tests.segmentation.phantoms import plans_of
from tests.studies import digests

pytestmark = pytest.mark.slow

CHANGES = ("replace", "fsync", "unlink", "open", "rmdir", "mkdir")
"""Functions of ``os`` by which files come, go and become durable."""
OLD, NEW = Key("old", "code"), Key("new", "code")
DONE, FAILED, WENT_ON, KILLED = 0, 1, 3, 9
"""How a process ends: as if nothing had been, with an error, in spite of one, or at once."""
GRID = Geometry((2, 3, 4), (10.0, 1.25, 1.5))


@dataclass(frozen=True)
class Kind:
    """A class of data sets, and what it holds before (0) and after (1)."""

    dataset: Callable[[Path], AnyDataset]
    data: Callable[[Path, int], Any]


def image(value: int) -> np.ndarray:
    return np.full(GRID.shape, value, np.uint8)


def tensors(_: Path, state: int) -> Iterator[SubjectTensors]:
    for name in (("sub-0001", "sub-0002"), ("sub-0001", "sub-0003"))[state]:
        yield SubjectTensors(name, f"{state}", {"ED.image": np.full((2, 3, 4), state, np.float16)})


def predictions(_: Path, state: int) -> Iterator[Prediction]:
    for name in (("sub-0001", "sub-0002"), ("sub-0001", "sub-0003"))[state]:
        yield Prediction(name, Phase.ED, 0, state or None, image(state + 1), GRID)


def cines(_: Path, state: int) -> Iterator[PendingSubject]:
    def segment(name: str) -> SegmentedSubject:
        volumes = FrameVolumes(frame=None, phase=Phase.ED, lvbp_ml=state + 1.0, lvm_ml=2.0, rvbp_ml=3.0)
        record = SubjectRecord(subject_id=name, frames=(volumes,), saved=(0,))
        return SegmentedSubject(record, (FrameLabel(image(state + 1), GRID),))

    for name in (("sub-0001", "sub-0002"), ("sub-0001", "sub-0003"))[state]:
        yield PendingSubject(name, f"{state}", partial(segment, name))


def nnunet(_: Path, state: int) -> NnunetExport:
    scan = Scan(image(state).astype(np.float32), image(state + 1), GRID)
    cases = [NnunetCase(f"sub-000{number + state}_ED", "Tr", lambda: scan) for number in (1, 2)]
    people = pd.DataFrame({"subject_id": [f"sub-000{number + state}" for number in (1, 2)]})
    return NnunetExport(cases, [], [Structure.LVBP], people, people.assign(split="train"), omission_table({}))


def models(folder: Path, state: int) -> TrainedModels:
    common = {"fingerprint": "a", "history": (), "weights_epoch": 0}
    fits = [FitRecord(name=f"seed-{seed}/shared", seed=seed, **common) for seed in (0, 1)]
    for file in (file for fit in fits for file in fit.files(folder.parent)):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"{}")
    return TrainedModels(folder=folder.parent, fits=tuple(fits[: state + 1]))


KINDS = {
    "bytes": Kind(lambda path: BytesDataset(f"{path}.png"), lambda _, state: b"new" if state else b"old"),
    "text": Kind(lambda path: TextDataset(f"{path}.svg"), lambda _, state: "new" if state else "old"),
    "csv": Kind(lambda path: TableDataset(f"{path}.csv"), lambda _, state: pd.DataFrame({"n": [state]})),
    "parquet": Kind(lambda path: TableDataset(f"{path}.parquet"), lambda _, state: pd.DataFrame({"n": [state]})),
    "plans": Kind(
        lambda path: JsonModelDataset(f"{path}.json", "faircmr.segmentation.network.plans.Plans"),
        lambda _, state: plans_of(batch_size=4 + state),
    ),
    "models": Kind(lambda path: ModelsDataset(f"{path}.json"), models),
    "tensors": Kind(lambda path: TensorsDataset(str(path), workers=1), tensors),
    "predictions": Kind(lambda path: PredictionsDataset(str(path)), predictions),
    "cine predictions": Kind(lambda path: CinePredictionsDataset(str(path)), cines),
    "nnU-Net": Kind(lambda path: NnunetRawDataset(str(path)), nnunet),
}


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Libraries that every process would otherwise load for itself."""
    for name in ("nibabel", "pyarrow.parquet", "safetensors.numpy", "faircmr.sources.nifti"):
        import_module(name)


def savers(base: type[AnyDataset]) -> Iterator[str]:
    """Every way of saving of the package, by the class that says how."""
    for found in base.__subclasses__():
        yield from savers(found)
        refuses = found.save.__annotations__["return"] == "Never"
        if found.__module__.startswith("faircmr.") and not refuses:
            yield str(found.save.__qualname__)


def test_every_way_of_saving_is_tried(tmp_path: Path):
    for module in iter_modules(datasets.__path__, "faircmr.datasets."):
        import_module(module.name)
    tried = {str(kind.dataset(tmp_path / "Dataset101_Output").save.__qualname__) for kind in KINDS.values()}

    found = {name for name in savers(StudyDataset) if not name.startswith("StudyDataset")}

    assert found == tried


LONG = {"predictions", "cine predictions", "nnU-Net"}
"""Kinds of several images, and of so many changes that to be cut off at each takes a while."""


def catalog_of(kind: Kind, folder: Path, key: Key) -> IncrementalCatalog:
    catalog = IncrementalCatalog({"output": kind.dataset(folder / "Dataset101_Output")})
    catalog.expected = {"output": key}
    return catalog


def save(kind: Kind, folder: Path, state: int) -> None:
    catalog = catalog_of(kind, folder, (OLD, NEW)[state])
    catalog.save("output", kind.data(folder / "Dataset101_Output", state))


def in_a_process(work: Callable[[], None], at: int = 0, change: Callable[[], object] = lambda: os._exit(KILLED)) -> int:
    """Do work in a process of its own, where something happens at a change to files; how it ended."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        changed = _interrupt(at, change)
        work()
        os._exit(WENT_ON if at and next(changed, None) is None else DONE)
    except BaseException:  # noqa: BLE001 - a process that was forked must not go on with the tests
        os._exit(FAILED)


def _interrupt(at: int, change: Callable[[], object]) -> Iterator[int]:
    """Let something happen at one of the changes from now on; gives those that are still to come."""
    left = iter(range(at - 1, -1, -1))

    def counted(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        if next(left, None) == 0:
            change()
        return function(*arguments, **options)

    os.fsync = lambda _: None  # no power is cut here, and disks are slow
    for name in CHANGES:
        setattr(os, name, partial(counted, getattr(os, name)))
    return left


def fill_disk() -> None:
    raise OSError(28, os.strerror(28))


def contents(kind: Kind, folder: Path) -> dict[str, bytes]:
    """What the data set consists of, by file."""
    files = files_of(kind.dataset(folder / "Dataset101_Output"))
    return {str(file.relative_to(folder)): file.read_bytes() for file in files if file.is_file()}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("how", [lambda: os._exit(KILLED), fill_disk], ids=["killed", "full"])
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, id=name, marks=[pytest.mark.slow] * (name in LONG)) for name, kind in KINDS.items()]
)
def test_a_save_that_is_cut_off_anywhere_is_never_mistaken_for_done(
    kind: Kind, how: Callable[[], object], tmp_path: Path
) -> None:
    before, after, folder = tmp_path / "before", tmp_path / "after", tmp_path / "study"
    assert in_a_process(partial(save, kind, before, 0)) == 0
    shutil.copytree(before, after)
    assert in_a_process(partial(save, kind, after, 1)) == 0
    whole = {OLD: contents(kind, before), NEW: contents(kind, after)}
    for at in count(1):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(before, folder)
        ended = in_a_process(partial(save, kind, folder, 1), at, how)
        if ended == DONE:
            break
        for key, content in whole.items():
            if catalog_of(kind, folder, key).exists("output"):
                assert contents(kind, folder) == content, f"{at}: {key}"
        assert in_a_process(partial(save, kind, folder, 1)) == 0
        assert digests(folder) == digests(after), f"{at}: mended, and nothing is left of what was cut off"
    assert at > 8, "so many changes there are at least"


def test_what_was_made_anew_beside_its_list_is_not_what_the_receipt_says(tmp_path: Path) -> None:
    """Strategies that share fits, and a fit of other settings that was cut off before its list was saved."""
    kind = KINDS["models"]
    save(kind, tmp_path, 0)
    record = tmp_path / "seed-0" / "shared" / "fit.json"
    assert catalog_of(kind, tmp_path, OLD).exists("output")

    record.write_bytes(b"[]")

    assert not catalog_of(kind, tmp_path, OLD).exists("output"), "it has the same size"
