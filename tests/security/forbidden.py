"""What no module may import or call, found in its syntax tree: aliases are followed, strings are not run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

PICKLES = ("pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "shelve")
"""What writes or reads Python objects: a file of theirs can run any code when it is read."""
NETWORK = (
    *("aiohttp", "ftplib", "http", "httpx", "imaplib", "poplib", "requests", "smtplib", "socket", "socketserver"),
    *("ssl", "telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc"),
)
CLUSTERS = ("dask", "dask_jobqueue", "distributed")
"""Their transport is pickle, over a network."""
XML = ("lxml", "xml")
"""Parsers that follow entities and files; ``defusedxml`` refuses them."""
IMPORTS = {
    **dict.fromkeys(PICKLES, "pickle"),
    **dict.fromkeys(NETWORK, "network"),
    **dict.fromkeys(CLUSTERS, "pickle and network"),
    **dict.fromkeys(XML, "XML"),
}
CALLS = {
    **dict.fromkeys(("eval", "exec", "compile", "__import__"), "runs text"),
    **dict.fromkeys(("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"), "shell"),
    **dict.fromkeys(("torch.save", "torch.package", "torch.jit.load", "torch.jit.save"), "pickle"),
    **dict.fromkeys(("pandas.read_pickle", "pandas.to_pickle", "pandas.read_hdf"), "pickle"),
    **dict.fromkeys(("torch.hub", "monai.bundle", "monai.apps.download_url"), "network"),
    **dict.fromkeys(("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load"), "runs text"),
    "tempfile.mktemp": "race",
}
"""Functions, and modules all of whose functions, by their full name."""
METHODS = {
    **dict.fromkeys(("to_pickle", "to_hdf"), "pickle"),
    **dict.fromkeys(("all_gather_object", "broadcast_object_list", "gather_object", "scatter_object_list"), "pickle"),
    **dict.fromkeys(("extractall", "unpack_archive"), "writes where an archive says"),
}
"""By the last part of their name, for what they are called on is not known."""


@dataclass(frozen=True)
class Use:
    """Something forbidden.

    Attributes:
        name: Full name of what is imported or called.
        why: What is wrong with it.
        line: Where.
    """

    name: str
    why: str
    line: int


def _without_weights_only(call: ast.Call) -> bool:
    return not _says(call, "weights_only", True)


def _may_pickle_objects(call: ast.Call) -> bool:
    return not _says(call, "allow_pickle", False)


def _permits_pickles(call: ast.Call) -> bool:
    return any(keyword.arg in {"allow_pickle", None} for keyword in call.keywords) and _may_pickle_objects(call)


def _has_shell(call: ast.Call) -> bool:
    return any(keyword.arg == "shell" for keyword in call.keywords) and not _says(call, "shell", False)


UNLESS: dict[str, tuple[Callable[[ast.Call], bool], str]] = {
    "torch.load": (_without_weights_only, "pickle"),
    "numpy.load": (_permits_pickles, "pickle"),
    # these write objects as pickles unless they are told not to
    **dict.fromkeys(("numpy.save", "numpy.savez", "numpy.savez_compressed"), (_may_pickle_objects, "pickle")),
    **{f"subprocess.{name}": (_has_shell, "shell") for name in ("run", "Popen", "call", "check_call", "check_output")},
}
"""Functions whose arguments decide."""


def _says(call: ast.Call, name: str, value: bool) -> bool:
    return any(
        keyword.arg == name and isinstance(keyword.value, ast.Constant) and keyword.value.value is value
        for keyword in call.keywords
    )


def forbidden_uses(source: str) -> Iterator[Use]:
    """Every import and call of a module that is not permitted."""
    tree = ast.parse(source)
    names = _names_of_imports(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Use(one.name, why, node.lineno) for one in node.names if (why := _import(one.name)))
        elif isinstance(node, ast.ImportFrom):
            full = [f"{node.module}.{one.name}" for one in node.names]
            found = ((name, _import(name) or CALLS.get(name)) for name in full)
            yield from (Use(name, why, node.lineno) for name, why in found if why)
        elif isinstance(node, ast.Call):
            name = _full_name(node.func, names)
            if why := _call(name, node):
                yield Use(name, why, node.lineno)


def _names_of_imports(tree: ast.AST) -> dict[str, str]:
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {one.asname: one.name for one in node.names if one.asname}
        elif isinstance(node, ast.ImportFrom):
            known |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return known


def _full_name(node: ast.AST, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{_full_name(node.value, names)}.{node.attr}"
    return ""


def _import(name: str) -> str | None:
    return next((why for module, why in IMPORTS.items() if f"{name}.".startswith(f"{module}.")), None)


def _call(name: str, call: ast.Call) -> str | None:
    if name in UNLESS:
        decides, why = UNLESS[name]
        return why if decides(call) else None
    by_name = (why for one, why in CALLS.items() if f"{name}.".startswith(f"{one}."))
    return next(by_name, METHODS.get(name.rpartition(".")[2]))
