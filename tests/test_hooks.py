"""The hooks as Kedro calls them."""

from pathlib import Path

import pytest
from kedro.framework.project import settings

from faircmr.core import InvalidParameterError
from faircmr.incremental import IncrementalCatalog
from faircmr.running import StudySession
from tests.mini_study import mini_study


def test_a_context_is_refused_whose_parameters_no_pipeline_reads(tmp_path: Path) -> None:
    with mini_study(tmp_path) as study:
        study.replace("conf/base/parameters.yml", "doubling: {factor: 2,", "doubling: {factr: 2,")

        with (
            StudySession.create(tmp_path) as session,
            pytest.raises(InvalidParameterError, match=r"did you mean doubling\.factor\?"),
        ):
            session.load_context()


def test_an_environment_changes_single_parameters(tmp_path: Path) -> None:
    with mini_study(tmp_path) as study:
        (study.folder / "conf/local/parameters.yml").write_text("doubling: {factor: 3}\n")

        with StudySession.create(tmp_path) as session:
            doubling = session.load_context().params["doubling"]

    assert (doubling.factor, doubling.inner.rotation) == (3, 1.0)


def test_the_settings_are_what_kedro_runs_with(tmp_path: Path) -> None:
    with mini_study(tmp_path):
        assert settings.SESSION_CLASS is StudySession
        assert settings.DATA_CATALOG_CLASS is IncrementalCatalog
        assert set(settings.DISABLE_HOOKS_FOR_PLUGINS) == {"kedro-telemetry", "kedro-viz"}
