"""Configuration as a run sees it: ``globals.yml`` with what the command line changes of it, checked.

Kedro's own loader keeps values of the command line apart (``${runtime_params:...}``) and takes both as they arrive.
Here every name of ``conf/base/globals.yml`` has one value, wherever it comes from, and ``${globals:...}`` gives it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from faircmr.core.errors import InvalidParameterError
from faircmr.core.validation import unknown_name
from faircmr.running.study_settings import checked_settings
from faircmr.running.yaml_files import SUFFIXES, check_yaml, shown_file, yaml_error

INCOMPATIBLE = "incompatible container types"
"""How OmegaConf words the error of a mapping that is to be merged with a list."""


class StudyConfigLoader(OmegaConfigLoader):
    """Kedro's loader with checked settings, equal for commands, notebooks, Kedro-Viz and workers of a cluster.

    Args:
        conf_source: Folder of the configuration.
        env: The run's environment.
        runtime_params: What ``--params`` says. Names of ``conf/base/globals.yml`` become globals; the others are
            parameters.
        **options: Of :class:`~kedro.config.OmegaConfigLoader`.

    Raises:
        InvalidParameterError: An environment sets a global that the base does not have, a value is not permitted, or
            ``globals.yml`` cannot be read.
    """

    def __init__(
        self,
        conf_source: str | Path,
        env: str | None = None,
        runtime_params: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(conf_source, env, runtime_params, **options)
        self.setting_names = self._known_names()
        given = dict(runtime_params or {})
        changed = {name: given.pop(name) for name in self.setting_names & given.keys()}
        self["globals"] = checked_settings(_changed(self._globals, changed))
        self.runtime_params = given

    def __getitem__(self, key: str) -> dict[str, Any]:
        """As Kedro's, with errors that name the place.

        Raises:
            InvalidParameterError: A file is not YAML, or refers to something that does not exist.
        """
        file = "conf/*/globals.yml" if key == "globals" else f"conf/*/{key}*.yml, or --params"
        try:
            return super().__getitem__(key)
        except TypeError as error:
            if INCOMPATIBLE not in str(error):
                raise
            permitted = "the same kind as in conf/base"
            raise InvalidParameterError(file, "a mapping where a list is, or a list", permitted, "correct it") from None
        except YAMLError as error:
            raise yaml_error(error, file) from None
        except OmegaConfBaseException as error:
            first, *_ = str(error).splitlines()
            raise InvalidParameterError(
                f"conf, {error.full_key or key}",
                first,
                "${globals:name} with a name of conf/base/globals.yml",
                "write the value itself: variables of the shell are not replaced in YAML",
            ) from None

    def _read_dir_configs(self, conf_path: str, patterns: Iterable[str], *others: Any, **options: Any) -> Any:
        """As Kedro's, of files that can be read without surprise."""
        files = {file for pattern in patterns for file in Path(conf_path).glob(pattern)}
        # an archive of configuration is no folder, and left to Kedro
        for file in sorted(file for file in files if file.suffix in SUFFIXES and file.is_file()):
            if not self._is_hidden(str(file)):
                check_yaml(_content(file), shown_file(file))
        found = super()._read_dir_configs(conf_path, patterns, *others, **options)
        for file, content in found.items():
            for name in content:
                if not isinstance(name, str):
                    permitted = "names that are text"
                    raise InvalidParameterError(shown_file(file), f"the name {name}", permitted, "write it in quotes")
        return found

    def _known_names(self) -> frozenset[str]:
        # The public ways to the base environment alone make another loader, and a loader that is made takes
        # the resolver ${globals:...} away from the one before.
        base, environment, *_ = self._read_raw_config("globals")
        known = frozenset(str(name) for file in base.values() for name in file)
        for name, value in ((name, value) for file in environment.values() for name, value in _items(file)):
            if name not in known:
                raise unknown_name(name, value, known)
        return known


def _items(file: DictConfig) -> Iterator[tuple[str, Any]]:
    """Names and values of a file, without replacing references."""
    return ((str(name), value) for name, value in OmegaConf.to_container(file, resolve=False).items())  # type: ignore[union-attr]


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        found = error.strerror or "cannot be read"
        raise InvalidParameterError(shown_file(file), found, "a file that can be read", "correct its mode") from None


def first_given(*values: Any) -> Any:
    """The resolver ``${first:...}``: the first value that is not null, e.g. a setting and its default place."""
    return next((value for value in values if value is not None), None)


def _changed(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with changes; of nested ones only what is named."""
    changed = dict(settings)
    for name, value in changes.items():
        before = changed.get(name)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        changed[name] = _changed(before, value) if both else value  # type: ignore[arg-type]
    return changed
