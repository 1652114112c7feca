"""YAML files of the configuration: what cannot be read, or grows without bound, is refused with its file and line."""

from __future__ import annotations

from pathlib import PurePath

import yaml
from yaml import Event, YAMLError

from faircmr.core.errors import InvalidParameterError

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
