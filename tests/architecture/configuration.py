"""The configuration as a run of a fresh clone sees it, for every environment."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from faircmr import settings
from faircmr.running import StudyConfigLoader

REPOSITORY = Path(__file__).resolve().parents[2]
CONF = REPOSITORY / "conf"
ENVIRONMENTS = sorted(folder.name for folder in CONF.iterdir() if folder.is_dir() and folder.name != "local")


def loader(environment: str, **runtime_params: object) -> StudyConfigLoader:
    """The project's own config loader."""
    arguments: Mapping[str, Any] = getattr(settings, "CONFIG_LOADER_ARGS", {})
    return StudyConfigLoader(
        conf_source=str(CONF),
        env=environment,
        runtime_params=runtime_params,
        **{"base_env": "base", "default_run_env": "local", **arguments},
    )


def catalog(environment: str, **runtime_params: object) -> dict[str, dict[str, Any]]:
    return deepcopy(_loaded("catalog", environment, **runtime_params))


def parameters(environment: str, **runtime_params: object) -> dict[str, Any]:
    return deepcopy(_loaded("parameters", environment, **runtime_params))


@cache
def _loaded(part: str, environment: str, **runtime_params: object) -> dict[str, Any]:
    return loader(environment, **runtime_params)[part]
