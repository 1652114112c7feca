from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mini_study import MiniStudy, mini_study


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MiniStudy]:
    monkeypatch.chdir(tmp_path)
    with mini_study(tmp_path) as study:
        yield study
