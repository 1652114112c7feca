"""Seconds that checks at the border cost: an earlier version of the project and this one take turns in one run.

    python benchmarks/border_speed.py --repeats 7
    python benchmarks/border_speed.py --small --repeats 2

Two commands are timed, each in a process of its own, from the start of Kedro's session to its end:

- ``audit_masks`` of 100 pairs of masks of 10 x 256 x 224 voxels,
- ``data_engineering`` of the embedded cohort, whose raw scans were written before.

Outputs are removed before every repetition. ``before`` is a commit of this repository, ``after`` is the working tree.
The ratio is that of the medians of wall time, and is to be at most 1.05; that of CPU time (of the process and its
children) tells whether the machine was busy with something else. The exit code is 1 where a ratio of wall time is more.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from markdown_table import as_markdown

REPOSITORY = Path(__file__).resolve().parents[1]
BEFORE = "26df629"
"""The last commit before affines, units and missing-value words were read."""
LIMIT = 1.05
PARTS = ("src", "conf", "pyproject.toml", ".telemetry")
SHAPE = (224, 256, 10)
AFFINE = np.array([[-1.4, 0, 0, 150.0], [0, -1.4, 0, 170.0], [0, 0, 10.0, -50.0], [0, 0, 0, 1.0]])
SMALL_GLOBALS = "training_subjects: {A: 12, B: 4, C: 4, D: 4, E: 4, F: 4}\nvalidation_subjects: 1\ntest_subjects: 2\n"
DRIVER = """
import json, resource, sys, time
from pathlib import Path
import faircmr
assert Path(faircmr.__file__).is_relative_to(Path.cwd()), faircmr.__file__
from kedro.framework.startup import bootstrap_project
bootstrap_project(Path.cwd())
from kedro.framework.project import settings
pipeline, given = sys.argv[1], json.loads(sys.argv[2])
start = time.perf_counter()
with settings.SESSION_CLASS.create(project_path=Path.cwd(), runtime_params=given) as session:
    session.run(pipeline_names=[pipeline])
seconds = time.perf_counter() - start
used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print("measured", seconds, sum(one.ru_utime + one.ru_stime for one in used), faircmr.__file__)
"""
"""Runs a pipeline in the project of the current folder; Kedro's command line would load plugins of the environment."""


@dataclass(frozen=True)
class Measured:
    """Seconds of one run: wall time, and CPU time with that of imports."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Version:
    """A project of its own, with its own source and configuration."""

    name: str
    folder: Path

    def run(self, pipeline: str, params: Mapping[str, object]) -> Measured:
        """Run a pipeline; its outputs are removed before."""
        shutil.rmtree(self.folder / "study", ignore_errors=True)
        given = {"data_root": str(self.folder / "study"), **params}
        command = [sys.executable, "-c", DRIVER, pipeline, json.dumps(given)]
        own = {"PYTHONPATH": str(self.folder / "src"), "KEDRO_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command, cwd=self.folder, env={**os.environ, **own}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{pipeline} of {self.name} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        (line,) = (line for line in done.stdout.splitlines() if line.startswith("measured "))
        _, wall, cpu, _ = line.split(maxsplit=3)
        return Measured(float(wall), float(cpu))


@dataclass(frozen=True)
class Work:
    """What is timed."""

    name: str
    pipeline: str
    params: Mapping[str, object]


def main() -> int:
    options = parse()
    with tempfile.TemporaryDirectory(prefix="faircmr-border-") as name:
        folder = Path(name)
        versions = [
            Version("before", committed(folder / "before", options.before)),
            Version("after", working_tree(folder / "after")),
        ]
        if options.small:
            for version in versions:
                local = version.folder / "conf" / "local"
                local.mkdir(exist_ok=True)
                (local / "globals.yml").write_text(SMALL_GLOBALS)
        pairs = options.pairs or (10 if options.small else 100)
        works = [mask_work(folder / "masks", pairs), Work("embedded cohort", "data_engineering", {})]
        rows = [compared(work, versions, options.repeats) for work in works]
    print(f"{options.before} and the working tree, {options.repeats} runs each in turns; {load()}\n")
    print(as_markdown(pd.DataFrame(rows), decimals=3))
    return 1 if any(float(str(row["ratio"])) > LIMIT for row in rows) else 0


def compared(work: Work, versions: list[Version], repeats: int) -> dict[str, object]:
    """Run both versions in turns, after a run of each that is not counted, which writes raw scans."""
    runs: dict[str, list[Measured]] = {version.name: [] for version in versions}
    for repetition in range(repeats + 1):
        # who begins changes, so that neither always follows the other
        for version in versions if repetition % 2 else versions[::-1]:
            scans = {} if work.pipeline == "audit_masks" else {"source_root": str(version.folder / "scans")}
            measured = version.run(work.pipeline, {**work.params, **scans})
            if repetition:
                runs[version.name].append(measured)
            print(f"{work.name}, {version.name}: {measured}", file=sys.stderr, flush=True)
    before, after = (runs[version.name] for version in versions)
    return {
        "command": f"`{work.pipeline}`, {work.name}",
        "before, s": described([one.wall for one in before]),
        "after, s": described([one.wall for one in after]),
        "ratio": ratio([one.wall for one in before], [one.wall for one in after]),
        "ratio of CPU time": ratio([one.cpu for one in before], [one.cpu for one in after]),
        "at most": f"{LIMIT}",
    }


def ratio(before: list[float], after: list[float]) -> float:
    return statistics.median(after) / statistics.median(before)


def described(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"


def load() -> str:
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def committed(folder: Path, commit: str) -> Path:
    """A project of a commit."""
    archive = subprocess.run(["git", "archive", commit, *PARTS], cwd=REPOSITORY, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    (folder / "logs").mkdir()
    return folder


def working_tree(folder: Path) -> Path:
    """A project of what is in the repository now."""
    for part in PARTS:
        whole, copied = REPOSITORY / part, folder / part
        if whole.is_dir():
            # conf/local is somebody's own
            shutil.copytree(whole, copied, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "local"))
        else:
            shutil.copy2(whole, copied)
    for name in ("logs", "conf/local"):
        (folder / name).mkdir()
    return folder


def mask_work(folder: Path, pairs: int) -> Work:
    """Write pairs of masks and demographics; every third prediction is two pixels off."""
    for number in range(pairs):
        mask = heart(0.8 + 0.4 * number / pairs)
        for side, image in (("drawn", mask), ("found", np.roll(mask, 2 * (number % 3 == 0), axis=0))):
            path = folder / side / f"{number:04d}_ED.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(image, AFFINE), path)
    people = pd.DataFrame(
        {"subject_id": [f"{n:04d}" for n in range(pairs)], "sex": ["FM"[n % 2] for n in range(pairs)]}
    )
    people.to_csv(folder / "people.csv", index=False)
    params = {
        "audit_predictions": str(folder / "found"),
        "audit_references": str(folder / "drawn"),
        "audit_demographics": str(folder / "people.csv"),
        "audit": {"attributes": "sex"},
    }
    return Work(f"{pairs} pairs", "audit_masks", params)


def heart(size: float) -> np.ndarray:
    """A right ventricle next to a ring of muscle around a left one, smaller towards the apex; 1, 2 and 3 as audited."""
    columns, rows = np.ogrid[: SHAPE[0], : SHAPE[1]]
    left, right = np.hypot(columns - 120, rows - 128), np.hypot(columns - 78, (rows - 120) / 1.3)
    mask = np.zeros(SHAPE, np.uint8)
    for number in range(1, SHAPE[2] - 1):
        scale, plane = size * (1 - 0.06 * number), mask[..., number]
        plane[right < 26 * scale] = 3
        plane[left < 30 * scale] = 2
        plane[left < 21 * scale] = 1
    return mask


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default=BEFORE, help="commit that the working tree is compared with")
    parser.add_argument("--repeats", type=int, default=7, help="counted runs of each version")
    parser.add_argument("--pairs", type=int, help="pairs of masks; 100 if not told")
    parser.add_argument("--small", action="store_true", help="10 pairs and 50 subjects, to try it")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
