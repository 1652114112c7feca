"""No module can read or write a pickle, run text, open a connection, or parse XML that asks for files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.security.forbidden import forbidden_uses

PERMITTED = {
    ("core/host/leases.py", "socket"): "what this machine is called",
    ("core/host/processes.py", "socket"): "what this machine is called",
    (
        "segmentation/training/distributed.py",
        "socket",
    ): "processes of one fit meet at 127.0.0.1",
    ("runners/", "dask"): "many fits on a cluster, between processes that trust each other",
    ("runners/", "dask_jobqueue"): "the same through SLURM",
    ("runners/", "distributed"): "the same",
}
"""What may be used all the same: the beginning of a path below ``src/faircmr`` and of a full name, and why."""
BAD = [
    "import pickle",
    "import pickle as p",
    "from joblib import dump",
    "import torch\ntorch.load(path)",
    "import torch as t\nt.load(path, weights_only=False)",
    "from torch import load\nload(path)",
    "import torch\ntorch.save(x, path)",
    "import numpy as np\nnp.load(path, allow_pickle=True)",
    "import numpy as np\nnp.load(path, allow_pickle=choice)",
    "import numpy as np\nnp.load(path, **options)",
    "import numpy as np\nnp.save(path, x)",
    "import pandas as pd\npd.read_pickle(path)",
    "table.to_pickle(path)",
    "import yaml\nyaml.load(text, Loader=Loader)",
    "eval(text)",
    "exec(text)",
    "import subprocess\nsubprocess.run(line, shell=True)",
    "from subprocess import Popen\nPopen(line, shell=choice)",
    "import os\nos.system(line)",
    "from os import system",
    "import xml.etree.ElementTree",
    "from xml.dom import minidom",
    "archive.extractall(folder)",
    "import shutil\nshutil.unpack_archive(path)",
    "import urllib.request",
    "import dask.config",
    "from distributed import Client",
    "from urllib import request",
    "def f():\n    import requests",
    "import torch\ntorch.hub.load(name)",
    "import torch.distributed as dist\ndist.broadcast_object_list(x)",
]
GOOD = [
    "import torch\ntorch.load(path, weights_only=True)",
    "import numpy as np\nnp.load(path)\nnp.load(path, allow_pickle=False)",
    "import numpy as np\nnp.save(path, x, allow_pickle=False)",
    "import yaml\nyaml.safe_load(text)",
    "model.eval()",
    "import re\nre.compile(text)",
    "import subprocess\nsubprocess.run([program], shell=False)\nsubprocess.run([program])",
    "from defusedxml.ElementTree import parse",
    "from urllib.parse import urlsplit",
    "import torch.distributed",
    "from zipfile import ZipFile",
]


@pytest.mark.parametrize("source", BAD)
def test_what_is_forbidden_is_found(source: str):
    assert len(list(forbidden_uses(source))) == 1


@pytest.mark.parametrize("source", GOOD)
def test_what_is_permitted_is_left_alone(source: str):
    assert list(forbidden_uses(source)) == []


def test_no_module_of_the_package_uses_what_is_forbidden(project_root: Path):
    source = project_root / "src" / "faircmr"
    found = {
        (str(path.relative_to(source)), use.name): use.why
        for path in source.rglob("*.py")
        for use in forbidden_uses(path.read_text())
    }
    permissions = {use: permission_of(*use) for use in found}

    assert {use: found[use] for use, permission in permissions.items() if permission is None} == {}
    assert PERMITTED.keys() - set(permissions.values()) == set(), "no longer used: strike it off the list"


def permission_of(module: str, name: str) -> tuple[str, str] | None:
    return next((one for one in PERMITTED if module.startswith(one[0]) and f"{name}.".startswith(f"{one[1]}.")), None)


def test_no_data_set_of_the_catalog_is_a_pickle(project_root: Path):
    catalogs = [yaml.safe_load(path.read_text()) for path in (project_root / "conf").rglob("catalog*.yml")]
    types = {entry["type"] for entries in catalogs for entry in (entries or {}).values() if "type" in entry}

    assert types
    assert {name for name in types if not name.startswith("faircmr.datasets.")} == set()


def test_every_permission_is_told_to_the_reader(project_root: Path):
    told = (project_root / "SECURITY.md").read_text()

    assert [name for _, name in PERMITTED if not re.search(rf"`{re.escape(name)}`", told)] == []
