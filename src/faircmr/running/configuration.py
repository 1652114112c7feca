"""Configuration of a run: YAML files, ``globals.yml``, the command line's changes, and every parameter checked.

Kedro merges a misspelt name silently beside the right one, in YAML as on the command line; here it ends
the run and shows the nearest right name.

Kedro's own loader keeps values of the command line apart (``${runtime_params:...}``) and takes both as they arrive.
Here every name of ``conf/base/globals.yml`` has one value, wherever it comes from, and ``${globals:...}`` gives it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

import yaml
from kedro.config import OmegaConfigLoader
from kedro.pipeline import Pipeline
from kedro.validation.type_extractor import TypeExtractor
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from yaml import Event, YAMLError

from faircmr.core import (
    ClusterParameters,
    InvalidParameterError,
    Parameters,
    Words,
    known_paths,
    parse_parameters,
    unknown_name_error,
)
from faircmr.core.study import DEFAULT_READING, ReadingParameters
from faircmr.core.user_input import GivenPath, nnunet_dataset_name, strategy_name
from faircmr.incremental import IncrementalParameters
from faircmr.sources.synthetic import Count, GroupSizes, ShiftStrength

READ_FOLDERS = ("source_root", "predict_root", "audit_predictions", "audit_references")
"""Folders that are searched for scans or masks: what the study writes must not be found there."""
FOLDERS = ("data_root", "compare_root", *READ_FOLDERS)
FILES = ("audit_scores", "audit_demographics")


class StudySettings(Parameters):
    """What ``globals.yml`` of the base and of the run's environment, and the command line, say together.

    Names of somebody's own in ``conf/base/globals.yml`` are permitted and not checked.

    Attributes:
        data_root: Folder of the study.
        source_root: Folder of the raw scans; ``None`` for the place that the catalog names. The same holds for
            ``predict_root``, ``compare_root`` and what is audited.
        workers: Scans that are read at the same time; ``None`` for as many as there are CPUs.
        previews: Whose data Kedro-Viz may show.
        cohort_seed: Of the embedded cohort, as are the four that follow.
        predict_strategy: The trained strategy that segments unlabelled scans.
        labels_left_out: Labels of ``dataset.json`` that count as background.
        reading: What is believed of the headers of scans and masks.
        nnunet_dataset: Folder name of the exported data set.
    """

    model_config = ConfigDict(extra="allow")

    data_root: GivenPath = "data"
    source_root: GivenPath | None = None
    workers: Annotated[int, Field(ge=1)] | None = None
    previews: Literal["synthetic", "everybody", "nobody"] = "synthetic"
    cohort_seed: Count = 0
    shift_strength: ShiftStrength = 1.0
    training_subjects: GroupSizes = GroupSizes()
    validation_subjects: Count = 3
    test_subjects: Count = 20
    predict_root: GivenPath | None = None
    predict_strategy: Annotated[str, AfterValidator(strategy_name)] = "baseline"
    audit_scores: GivenPath | None = None
    audit_demographics: GivenPath | None = None
    audit_predictions: GivenPath | None = None
    audit_references: GivenPath | None = None
    labels_left_out: Words = ()
    reading: ReadingParameters = DEFAULT_READING
    nnunet_dataset: Annotated[str, AfterValidator(nnunet_dataset_name)] = "Dataset101_Study"
    compare_root: GivenPath | None = None


def checked_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same names with checked values: paths with the home folder written out, numbers as numbers.

    Raises:
        InvalidParameterError: A value is not permitted.
    """
    return parse_parameters(StudySettings, dict(values), "").model_dump(exclude_unset=True)


def check_places(settings: Mapping[str, Any], project: Path) -> None:
    """Compare the paths with each other and with what is on disk.

    Args:
        settings: As :func:`checked_settings` returns them.
        project: Folder that relative paths start from.

    Raises:
        InvalidParameterError: A folder is a file or the other way round, or the study is inside of a folder that is
            searched for scans.
    """
    given = {name: project / settings[name] for name in (*FOLDERS, *FILES) if settings.get(name) is not None}
    for name, path in given.items():
        if path.exists() and path.is_dir() == (name in FILES):
            found, permitted = ("a folder", "a file") if path.is_dir() else ("a file", "a folder")
            raise InvalidParameterError(name, found, permitted, f"name {permitted}")
    study = given.get("data_root")
    for name in READ_FOLDERS:
        if study is not None and name in given and study.resolve().is_relative_to(given[name].resolve()):
            raise InvalidParameterError(
                "data_root",
                f"inside of {name}",
                f"a folder outside of {name}, in which files of the study would be taken for scans",
                "choose another data_root",
            )


PREFIX = "params:"
READ_BY_NO_NODE: dict[str, type[BaseModel]] = {"incremental": IncrementalParameters, "cluster": ClusterParameters}


def check_parameters(
    configured: Mapping[str, Any], pipelines: Mapping[str, Pipeline], setting_names: Collection[str]
) -> dict[str, BaseModel]:
    """Check names and values of all parameters.

    Args:
        configured: Parameters as they come out of YAML and the command line.
        pipelines: Every registered pipeline: what one of them reads is a parameter.
        setting_names: Names of ``conf/base/globals.yml``, which the catalog reads and not a node.

    Returns:
        Those of which a form is known, as models.

    Raises:
        InvalidParameterError: A name is unknown at some level or is in the wrong file, a value is not permitted, or
            a parameter that a node reads is missing.
    """
    models = _models(pipelines) | READ_BY_NO_NODE
    needed = _read_by_nodes(pipelines)
    read = needed | READ_BY_NO_NODE.keys()
    given = dict(_given_parameters(configured, read))
    for place, value in given.items():
        if place not in read and place in setting_names:
            remedy = "move it to globals.yml of the same folder, or write it after --params"
            raise InvalidParameterError(place, "in parameters*.yml", "read from globals.yml alone", remedy)
        if place not in read:
            known = [path for name, model in models.items() for path in known_paths(model, name)]
            raise unknown_name_error(place, value, {*known, *read, *setting_names})
    made = {
        place: parse_parameters(models[place], given[place], place) for place in sorted(given.keys() & models.keys())
    }
    for name in sorted(needed):
        if not any(f"{name}.".startswith(f"{place}.") for place in given):
            raise InvalidParameterError(name, "missing", "a value is needed", "set it in conf/base/parameters_*.yml")
    return made


def _models(pipelines: Mapping[str, Pipeline]) -> dict[str, type[BaseModel]]:
    # Kedro says type, and also means unions with None
    types: dict[str, Any] = {**TypeExtractor(dict(pipelines)).extract_types_from_pipelines()}
    return {name: model for name, model in types.items() if isinstance(model, type) and issubclass(model, BaseModel)}


def _read_by_nodes(pipelines: Mapping[str, Pipeline]) -> set[str]:
    inputs = {name for pipeline in pipelines.values() for name in pipeline.inputs()}
    return {name.removeprefix(PREFIX) for name in inputs if name.startswith(PREFIX)}


def _given_parameters(
    configured: Mapping[str, Any], read: Collection[str], above: str = ""
) -> Iterator[tuple[str, Any]]:
    """Configured values at the level at which nodes read them; where none does, as they stand."""
    for name, value in configured.items():
        place = f"{above}{name}"
        lies_above = any(one.startswith(f"{place}.") for one in read)
        if lies_above and place not in read and isinstance(value, Mapping):
            yield from _given_parameters(value, read, f"{place}.")
        else:
            yield place, value


MOST_NODES = 10_000
"""Values in one file, where each alias counts as all that it stands for; the limit of later versions of OmegaConf."""
MOST_NESTED = 50
"""Mappings and lists inside each other; parsers of YAML and OmegaConf recurse."""
TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq"))
"""Kinds of values that a configuration can have."""
PERMITTED = "YAML in UTF-8: one mapping of names to values"
SUFFIXES = frozenset({".yml", ".yaml", ".json"})
"""Of the files that Kedro reads."""
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


def shown_file(path: PurePath) -> str:
    """A file of the configuration as errors name it: its last two folders, e.g. ``conf/local/globals.yml``."""
    return PurePath(*path.parts[-3:]).as_posix()


def check_yaml(content: bytes, file: str) -> None:
    """Check that a file can be read, and is a mapping; an empty one is.

    Args:
        content: Of the file.
        file: How errors name it.

    Raises:
        InvalidParameterError: It is not UTF-8 or not YAML, is not a mapping, has tags such as ``!!python/name``, or has
            more values or levels than any configuration.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidParameterError(f"{file}, line {line}", "not UTF-8", PERMITTED, "save it as UTF-8") from None
    reader = _Reader(file)
    try:
        for event in yaml.parse(text, Loader=_PARSER):
            reader.read(event)
    except YAMLError as error:
        raise yaml_error(error, file) from None


def yaml_error(error: YAMLError, file: str) -> InvalidParameterError:
    """The error of a file that a parser of YAML refuses.

    Args:
        error: Of the parser.
        file: How errors name the file.
    """
    mark = getattr(error, "problem_mark", None)
    # the fast parser has a class of its own for marks
    place = file if mark is None else f"{file}, line {mark.line + 1}"
    found = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    return InvalidParameterError(place, found, PERMITTED, "correct this line or the one before")


class _Reader:
    """Counts what one file stands for while it is parsed, without building it."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._documents = 0
        self._values = 0
        self._open: list[tuple[str | None, int]] = []
        """Anchor of each mapping or list that is open, and the number of values before it."""
        self._sizes: dict[str, int] = {}

    def read(self, event: Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            self._refuse_if(self._documents > 1, event, "a second document", "remove the line ---")
        elif isinstance(event, yaml.AliasEvent):
            inside_itself = any(anchor == event.anchor for anchor, _ in self._open)
            self._refuse_if(inside_itself, event, f"*{event.anchor} inside itself", "write the values out")
            self._refuse_if(event.anchor not in self._sizes, event, f"*{event.anchor} of nothing", "define it before")
            self._count(event, self._sizes[str(event.anchor)])
        elif isinstance(event, _CLOSING):
            anchor, before = self._open.pop()
            self._note(anchor, self._values - before)
        elif isinstance(event, yaml.NodeEvent):
            self._read_value(event)

    def _read_value(self, event: yaml.NodeEvent) -> None:
        if not self._open and self._values == 0:
            empty = isinstance(event, yaml.ScalarEvent) and event.value in ("", "null", "~")
            mapping = isinstance(event, yaml.MappingStartEvent)
            self._refuse_if(not (mapping or empty), event, "a list or a single value", "write name: value")
        tag = getattr(event, "tag", None)
        self._refuse_if(tag is not None and tag not in TAGS, event, f"the tag {tag}", "write the value without a tag")
        self._count(event, 1)
        if isinstance(event, _OPENING):
            self._open.append((event.anchor, self._values - 1))
            self._refuse_if(len(self._open) > MOST_NESTED, event, f"more than {MOST_NESTED} levels", "remove some")
        else:
            self._note(event.anchor, 1)

    def _note(self, anchor: str | None, size: int) -> None:
        if anchor is not None:
            self._sizes[anchor] = size

    def _count(self, event: Event, size: int) -> None:
        self._values += size
        found = f"more than {MOST_NODES} values, where each alias counts as all that it stands for"
        self._refuse_if(self._values > MOST_NODES, event, found, "write fewer")

    def _refuse_if(self, refused: bool, event: Event, found: str, remedy: str) -> None:  # noqa: FBT001 - a value
        if refused:
            line = 0 if event.start_mark is None else event.start_mark.line
            place = f"{self._file}, line {line + 1}"
            raise InvalidParameterError(place, found, PERMITTED, remedy)


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
                raise unknown_name_error(name, value, known)
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
