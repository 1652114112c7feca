"""A tiny study of phantoms, preprocessed once."""

from pathlib import Path

import pytest

from tests.segmentation.phantoms import write_study


@pytest.fixture(scope="session")
def tensors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of eight preprocessed subjects; only to be read."""
    folder = tmp_path_factory.mktemp("study") / "tensors"
    write_study(folder, subjects=8)
    return folder
