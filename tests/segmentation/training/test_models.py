"""Records of fits: reading, writing, and the files that they list."""

from pathlib import Path

from faircmr.segmentation.training import FitRecord, TrainedModels
from faircmr.segmentation.training.records import EpochRecord


def test_a_record_survives_its_file_and_lists_its_files():
    history = (EpochRecord(loss=1.5, validation_dsc=0.25), EpochRecord(loss=1.25))
    record = FitRecord(name="seed-0/shared", seed=0, fingerprint="f", history=history, weights_epoch=2)
    models = TrainedModels(folder=Path("models"), fits=(record,))

    assert TrainedModels.model_validate_json(models.model_dump_json()) == models
    assert [str(path) for path in record.files(Path("models"))] == [
        "models/seed-0/shared/job.json",
        "models/seed-0/shared/weights.safetensors",
        "models/seed-0/shared/fit.json",
    ]
