"""What the server of :mod:`tests.warm_python` loads: libraries, the repository's source, and the digests of its code.

Nothing here reads a project: ``kedro.framework`` configures logging from the current folder when it is loaded, so
that and what imports it is left to the command.
"""

from __future__ import annotations

import sys
from importlib import import_module
from inspect import modulesbyfile
from pathlib import Path

LIBRARIES = (
    *("kedro.config", "kedro.io", "kedro.pipeline", "dynaconf", "jinja2", "pathspec", "rich.logging"),
    *("pandas", "pyarrow.parquet", "pandera.pandas", "scipy.stats", "scipy.ndimage", "nibabel", "safetensors.torch"),
    # the last one is loaded by the first optimiser
    *("matplotlib.pyplot", "matplotlib.backends.backend_svg", "torch", "torch._dynamo"),
)
OF_A_PROJECT = (
    *(
        "faircmr.__main__",
        "faircmr.cli",
        "faircmr.hooks",
        "faircmr.kedro_plugin",
        "faircmr.runners",
        "faircmr.running",
        "faircmr.settings",
    ),
    *("faircmr.incremental.catalog", "faircmr.incremental.receipts"),
)
FROZEN = ("importlib._bootstrap", "importlib._bootstrap_external", "runpy")
SOURCE = Path(__file__).parents[1] / "src"


def stamps_of(source: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every module; a copy has those of its original."""
    status = {str(path.relative_to(source)): path.stat() for path in source.rglob("*.py")}
    return {name: (found.st_size, found.st_mtime_ns) for name, found in status.items()}


def modules_below(source: Path) -> list[str]:
    """Dotted names of all modules; pkgutil would load a package to look into it."""
    paths = (path.relative_to(source).with_suffix("") for path in source.rglob("*.py"))
    return sorted(".".join(path.parts).removesuffix(".__init__") for path in paths)


def load() -> dict[str, tuple[int, int]]:
    """Load everything; what the source looked like."""
    stamps = stamps_of(SOURCE)
    sys.path.insert(0, str(SOURCE))
    for library in LIBRARIES:
        import_module(library)
    for module in modules_below(SOURCE):
        if not module.startswith(OF_A_PROJECT):
            import_module(module)
    digests = import_module("faircmr.incremental.code_digest").CodeDigests()
    pipelines = import_module("faircmr.pipeline_registry").register_pipelines()
    for node in pipelines["__default__"].nodes:
        digests.of(node.func)
    return stamps


# Reading its settings dynaconf looks for the module of every caller, and for those of Python's own that are frozen
# goes through all that are loaded, unless they are known.
modulesbyfile.update({f"<frozen {name}>": name for name in FROZEN})
LOADED = load()
"""The source that is loaded here."""


def forget_other_source(source: Path) -> None:
    """Let the package be loaded anew where another source than what is loaded is to be run."""
    if not stamps_of(source) == stamps_of(SOURCE) == LOADED:
        for name in [name for name in sys.modules if name.partition(".")[0] == "faircmr"]:
            del sys.modules[name]
