"""From tensors to weights in one process: localiser, heart regions, network.

python ten_minutes_fit.py PLAN_JSON writes ``stages.json``, seconds since the process began by stage, beside it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from courses import Course

from faircmr.core import Parameters
from faircmr.segmentation.training import EpochReport, fit


class Stages(Parameters):
    """Seconds that each stage took, and how many hearts were found.

    Attributes:
        imported: Until this module had imported everything.
        localiser: Training the localiser.
        located: Looking for all hearts of the training subjects.
        network: Training the network.
        found: Training subjects whose region was found.
    """

    imported: float
    localiser: float
    located: float
    network: float
    found: int


def main(path: Path) -> None:
    times = [process_seconds()]
    course = Course.model_validate_json(path.read_text())
    fit(course.localiser, on_epoch=say)
    times.append(process_seconds())
    rois = course.locate(course.network.training_subjects)
    times.append(process_seconds())
    fit(course.network.model_copy(update={"rois": rois}), on_epoch=say)
    times.append(process_seconds())
    spent = [after - before for before, after in zip([0.0, *times[:-1]], times, strict=True)]
    stages = Stages(imported=spent[0], localiser=spent[1], located=spent[2], network=spent[3], found=len(rois))
    (path.parent / "stages.json").write_text(stages.model_dump_json(indent=1))


def process_seconds() -> float:
    """Wall time since this process was started (Linux)."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    ticks = 100  # of /proc, whatever the kernel's own
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / ticks


def say(report: EpochReport) -> None:
    print(f"{report.name}: epoch {report.epoch} of {report.epochs}, loss {report.loss:.3f}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
