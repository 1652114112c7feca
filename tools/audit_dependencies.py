"""Is there a known vulnerability in the versions of constraints.txt? Answered from a file, without a network.

The file is an export of advisories in the OSV schema (https://ossf.github.io/osv-schema/): a folder of JSON files, or
a zip of them, such as the one that osv.dev offers of all that is known of PyPI (PyPI/all.zip). Whoever has a network
brings it along; pip-audit (``make audit-dependencies`` without OSV) asks for itself.

    python tools/audit_dependencies.py all.zip [--constraints constraints.txt]
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ORDER = ("fixed", "introduced", "last_affected")
"""Events of a range, in the order in which those of one version count; "0" is introduced before any version."""

Pinned = dict[str, Version]
Advisory = Mapping[str, Any]


class InvalidInputError(Exception):
    """A file cannot be used; says which, what is permitted, and what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("export", type=Path, help="folder or zip of advisories in the OSV schema")
    parser.add_argument("--constraints", type=Path, default=Path(__file__).parents[1] / "constraints.txt")
    arguments = parser.parse_args()
    try:
        pinned = pinned_in(arguments.constraints)
        advisories = list(of_pypi(arguments.export))
        if not advisories:
            permitted = "advisories of PyPI in the OSV schema; get PyPI/all.zip from osv.dev"
            raise InvalidInputError(f"{arguments.export.name}: no advisory; {permitted}")
    except InvalidInputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    found = sorted({line for advisory in advisories for line in findings(advisory, pinned)})
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    if found:
        print(f"Error: {len(found)} known vulnerabilities; move on to versions without them", file=sys.stderr)
        return 1
    print(f"None of {len(advisories)} advisories is about one of {len(pinned)} pinned versions")
    return 0


def pinned_in(path: Path) -> Pinned:
    """Version of each package, by its normalised name."""
    if not path.is_file():
        raise InvalidInputError(f"{path.name}: no such file; a file of pinned versions; make constraints")
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    pinned: Pinned = {}
    for requirement in (Requirement(line) for line in lines if line):
        (only, *others) = (one for one in requirement.specifier) if requirement.specifier else (None,)
        if only is None or others or only.operator != "==":
            raise InvalidInputError(f"{path.name}: {requirement}; one version, name==1.2.3; make constraints")
        pinned[canonicalize_name(requirement.name)] = Version(only.version)
    return pinned


def of_pypi(export: Path) -> Iterator[Advisory]:
    """Advisories that are about a package of PyPI and have not been withdrawn."""
    for name, content in documents(export):
        try:
            advisory = json.loads(content)
            packages = [affected.get("package", {}) for affected in advisory.get("affected", ())]
            about = any(package.get("ecosystem") == "PyPI" for package in packages)
        except (ValueError, AttributeError, TypeError):
            raise InvalidInputError(f"{name}: damaged; an advisory in the OSV schema; get the export anew") from None
        if about and not advisory.get("withdrawn"):
            yield advisory


def documents(export: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every JSON file of a folder or zip."""
    if export.is_dir():
        yield from ((path.name, path.read_bytes()) for path in sorted(export.glob("*.json")))
    elif zipfile.is_zipfile(export):
        with zipfile.ZipFile(export) as archive:
            yield from ((name, archive.read(name)) for name in sorted(archive.namelist()) if name.endswith(".json"))
    else:
        raise InvalidInputError(f"{export.name}: neither a folder nor a zip; advisories; get PyPI/all.zip from osv.dev")


def findings(advisory: Advisory, pinned: Pinned) -> Iterator[str]:
    """A line for every pinned version that an advisory is about."""
    for affected in advisory["affected"]:
        package = affected.get("package", {})
        name = canonicalize_name(package.get("name", ""))
        if package.get("ecosystem") == "PyPI" and name in pinned and is_affected(pinned[name], affected):
            named = " ".join((advisory["id"], *advisory.get("aliases", ())))
            fixed = ", ".join(fixes(affected)) or "no version"
            yield f"{name} {pinned[name]}: {named}; fixed in {fixed}; {advisory.get('summary', '')}".rstrip("; ")


def is_affected(version: Version, affected: Mapping[str, Any]) -> bool:
    """Whether a version is listed, or lies in a range; what cannot be compared counts as affected."""
    try:
        listed = any(version == parsed for parsed in parsed_versions(affected.get("versions", ())))
        return listed or any(lies_in(version, one["events"]) for one in ranges(affected))
    except InvalidVersion:
        return True


def parsed_versions(versions: Iterable[str]) -> Iterator[Version]:
    for one in versions:
        try:
            yield Version(one)
        except InvalidVersion:  # one of before PEP 440, which no pinned version equals
            continue


def ranges(affected: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Ranges of versions; those of commits say nothing about a version."""
    return [one for one in affected.get("ranges", ()) if one.get("type") != "GIT"]


def lies_in(version: Version, events: list[Mapping[str, str]]) -> bool:
    """Go through the events of a range in order, as the schema's section on evaluation does."""
    inside = False
    told = [(kind, Version(text)) for event in events for kind, text in event.items() if kind in ORDER]
    for kind, limit in sorted(told, key=lambda one: (one[1], ORDER.index(one[0]))):
        if kind == "introduced" and version >= limit:
            inside = True
        elif (kind == "fixed" and version >= limit) or (kind == "last_affected" and version > limit):
            inside = False
    return inside


def fixes(affected: Mapping[str, Any]) -> list[str]:
    return [event["fixed"] for one in ranges(affected) for event in one["events"] if "fixed" in event]


if __name__ == "__main__":
    sys.exit(main())
