"""Digest every value that a study has computed, to see whether a change of the code changed any.

    python tools/study_values.py data/embedded > before.json
    ... change the code, run the study again in another folder ...
    python tools/study_values.py data/other --compare before.json

Of weights and tensors every array counts, of label images voxels and grid, of tables columns and rows. What a clock or
the place of the study decides does not count: receipts, logs, pages, the columns of :data:`OF_FILES`, and the tables
of :data:`OF_RUNS`. The exit code of a comparison is 1 where a value differs, or is on one side alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from safetensors.numpy import load_file

OF_FILES = ("fingerprint", "code")
"""Columns that know when a scan was written or what the code looks like."""
OF_RUNS = ("provenance.csv", "keys.csv", "estimate.csv")
"""Tables of versions, of names of files, and of seconds."""


def of_arrays(path: Path) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(load_file(path).items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def of_image(path: Path) -> str:
    image = nib.Nifti1Image.from_filename(path)
    voxels = np.asarray(image.dataobj)
    return hashlib.sha256(
        f"{voxels.dtype} {voxels.shape} {image.affine.tolist()}".encode() + voxels.tobytes()
    ).hexdigest()


def of_table(path: Path) -> str:
    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str, keep_default_na=False)
    kept = table[[name for name in table.columns if name not in OF_FILES]]
    return hashlib.sha256(kept.to_csv(index=False).encode()).hexdigest()


READERS: dict[str, Callable[[Path], str]] = {
    ".safetensors": of_arrays,
    ".gz": of_image,
    ".parquet": of_table,
    ".csv": of_table,
}


def values(folder: Path) -> dict[str, str]:
    """Digest of every file of values, by its path below the folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.suffix in READERS and path.name not in OF_RUNS)
    return {str(path.relative_to(folder)): READERS[path.suffix](path) for path in files}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the study: data/embedded")
    parser.add_argument("--compare", type=Path, help="what this script has printed before")
    options = parser.parse_args()
    found = values(options.folder)
    if options.compare is None:
        json.dump(found, sys.stdout, indent=1)
        return 0
    before = json.loads(options.compare.read_text())
    differing = sorted(name for name in {*before, *found} if before.get(name) != found.get(name))
    for name in differing:
        kind = "differs" if name in before and name in found else "is gone" if name in before else "is new"
        print(f"{name} {kind}")
    print(f"{len(found)} files of values, {len(differing)} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
