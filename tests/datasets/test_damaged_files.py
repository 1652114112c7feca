"""Damaged files of a study: each is read, or refused in one clear line that names the file and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from faircmr.datasets import (
    FinishedFitsDataset,
    JsonModelDataset,
    ModelsDataset,
    PredictionsDataset,
    TableDataset,
    TextDataset,
)
from faircmr.datasets.key_table import read_keys, write_keys
from faircmr.incremental import Key, key_of, write_receipt
from faircmr.running import EVENTS, expected_error, last_durations
from faircmr.segmentation.data import MANIFEST_NAME, TensorManifest, TensorStore, tensors_file_name
from faircmr.segmentation.training import FitJob, latest_checkpoint
from tests.fuzz.mutating import mutated
from tests.segmentation.phantoms import job_of, plans_of

DAMAGES = [150, pytest.param(1500, marks=pytest.mark.slow)]
"""Of each table; the readers of Parquet fail in many ways."""
DAMAGES_OF_OTHERS = 100
SUBJECTS = [f"sub-{number:04d}" for number in range(1, 13)]
TABLES: dict[str, tuple[str, pd.DataFrame]] = {
    "splits.csv": ("splits", pd.DataFrame({"subject_id": SUBJECTS, "split": ["train", "test", "validation"] * 4})),
    "any.csv": ("", pd.DataFrame({"group": ["007", "A"], "n": [1, 2], "age": [61.5, None]})),
    "any.parquet": ("", pd.DataFrame({"group": ["007", "A"] * 6, "n": range(12), "age": np.linspace(20, 80, 12)})),
    "words.parquet": (
        "",
        pd.DataFrame(
            {
                "subject_id": pd.Categorical(SUBJECTS),
                "seen": pd.to_datetime(["2020-01-01"] * 12),
                "shape": [[8, 256, 256]] * 12,
                "valid": [True, None] * 6,
            }
        ),
    ),
}


def dataset_of(folder: Path, name: str) -> TableDataset:
    return TableDataset(str(folder / name), schema=TABLES[name][0] or None)


def fault(read: Callable[[], object]) -> Exception | None:
    """What is raised and cannot be told in one line."""
    try:
        read()
    except Exception as error:  # noqa: BLE001 - whatever is raised is what is looked for
        expected = expected_error(error)
        return error if expected is None or "\n" in str(expected) else None
    return None


def faults(path: Path, read: Callable[[], object], damages: int) -> list[str]:
    """What is raised of damaged contents of a file and is no expected error: with the number of the damage."""
    whole, found = path.read_bytes(), []
    for number in range(damages):
        path.write_bytes(mutated(whole, Random(f"{path.name} {number}")))
        if (error := fault(read)) is not None:
            found.append(f"{number}: {error!r} from {error.__cause__!r}")
    path.write_bytes(whole)
    read()
    return found


@pytest.mark.parametrize("damages", DAMAGES)
@pytest.mark.parametrize("name", TABLES)
def test_a_damaged_table_is_read_or_refused_in_one_line(name: str, damages: int, tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, name)
    dataset.save(TABLES[name][1])

    assert faults(tmp_path / name, dataset.load, damages) == []


@pytest.mark.parametrize("damages", DAMAGES)
def test_so_is_the_table_of_keys(damages: int, tmp_path: Path) -> None:
    path = tmp_path / "key.csv"
    write_keys(
        path, pd.DataFrame({"subject_id": SUBJECTS, "source_id": [f"00{number}" for number in range(12)], "path": ""})
    )

    assert faults(path, lambda: read_keys(path), damages) == []


def written(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def plans(folder: Path) -> tuple[Path, Callable[[], object]]:
    dataset = JsonModelDataset(str(folder / "plans.json"), "faircmr.segmentation.network.plans.Plans")
    dataset.save(plans_of())
    return folder / "plans.json", dataset.load


def text(folder: Path) -> tuple[Path, Callable[[], object]]:
    dataset = TextDataset(str(folder / "figure.svg"))
    dataset.save("<svg>Größe</svg>" * 5)
    return folder / "figure.svg", dataset.load


def list_of_models(folder: Path) -> tuple[Path, Callable[[], object]]:
    dataset = ModelsDataset(str(written(folder / "models.json", '{"fits": []}')))
    return folder / "models.json", dataset.load


def list_of_predictions(folder: Path) -> tuple[Path, Callable[[], object]]:
    entry = '{"seed": 0, "fold": 0, "subject_id": "sub-0001", "phase": "ED", "model": "shared"}'
    path = written(folder / "predictions.json", f'{{"predictions": [{entry}, {entry.replace("ED", "ES")}]}}')
    return path, PredictionsDataset(str(folder)).load


def manifest_of_tensors(folder: Path) -> tuple[Path, Callable[[], object]]:
    manifest = TensorManifest(fingerprints=dict.fromkeys(SUBJECTS, "made"))
    path = written(folder / MANIFEST_NAME, manifest.model_dump_json())
    return path, lambda: TensorStore(folder)


def part_of_tensors(folder: Path) -> tuple[Path, Callable[[], object]]:
    written(folder / MANIFEST_NAME, TensorManifest(fingerprints={"sub-0001": "made"}).model_dump_json())
    path = folder / tensors_file_name("sub-0001")
    arrays = {"ED.image": np.zeros((3, 8, 8), np.float32), "ED.label": np.ones((3, 8, 8), np.uint8)}
    save_file(arrays, path)
    mapped = TensorStore(folder).subject("sub-0001").arrays

    def read() -> None:
        for name in arrays:
            np.asarray(mapped[name])
        mapped.slices_of(list(arrays), 2)  # type: ignore[attr-defined]

    return path, read


def job(folder: Path) -> tuple[Path, Callable[[], object]]:
    save_file({"x": np.zeros(1)}, folder / "weights.safetensors")
    path = written(folder / "job.json", job_of(folder, folder).model_dump_json())
    return path, lambda: FitJob.read(path)


def job_of_a_finished_fit(folder: Path) -> tuple[Path, Callable[[], object]]:
    place = folder / "baseline" / "seed-0"
    for name in ("fit.json", "weights.safetensors"):
        written(place / name, "")
    path = written(place / "job.json", job_of(folder, folder).model_dump_json())
    return path, FinishedFitsDataset(str(folder / "*" / "*" / "fit.json")).load


def checkpoint(folder: Path) -> tuple[Path, Callable[[], object]]:
    path = folder / "checkpoint-000001.safetensors"
    save_file({"network.x": np.zeros((4, 4), np.float32)}, path, {"progress": "{}"})
    return path, lambda: latest_checkpoint(folder, "none")


def receipt(folder: Path) -> tuple[Path, Callable[[], object]]:
    dataset = TableDataset(str(folder / "table.csv"))
    dataset.save(TABLES["any.csv"][1])
    write_receipt(dataset, Key("data", "code"))
    return folder / "table.csv.receipt.json", lambda: key_of(dataset)


def receipt_of_a_document(folder: Path) -> tuple[Path, Callable[[], object]]:
    dataset = JsonModelDataset(str(folder / "plans.json"), "faircmr.segmentation.network.plans.Plans")
    dataset.save(plans_of())
    write_receipt(dataset, Key("data", "code"))
    return folder / "plans.json.receipt.json", lambda: key_of(dataset)


def events(folder: Path) -> tuple[Path, Callable[[], object]]:
    event = '{"event": "after_node_run", "node": "n", "duration": 1.5}'
    return written(folder / EVENTS, f"[{event}, {event}]"), lambda: last_durations(folder)


OTHERS = (
    plans,
    text,
    list_of_models,
    list_of_predictions,
    manifest_of_tensors,
    part_of_tensors,
    job,
    job_of_a_finished_fit,
    checkpoint,
    receipt,
    receipt_of_a_document,
    events,
)


@pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: kind.__name__)
def test_so_is_every_other_kind_of_file(
    kind: Callable[[Path], tuple[Path, Callable[[], object]]], tmp_path: Path
) -> None:
    path, read = kind(tmp_path)

    assert faults(path, read, DAMAGES_OF_OTHERS) == []


@pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "content", ["[" * 100_000, "null", "[]", '"text"', "1e999", "{}", "\ufeff{}"], ids=lambda it: it[:6]
)
def test_so_is_json_of_another_form_or_nested_without_end(
    kind: Callable[[Path], tuple[Path, Callable[[], object]]], content: str, tmp_path: Path
) -> None:
    path, read = kind(tmp_path)
    path.write_text(content)

    assert fault(read) is None
