"""The script of UK Biobank's Research Analysis Platform, with stand-ins for what is there: mounts, GPUs, the image."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "cluster" / "research_analysis_platform.sh"
GPUS = "#!/bin/bash\nprintf 'GPU 0\\nGPU 1\\n'\n"
RUN = """#!/bin/bash
printf '%s\\n' "$@" > "$PLACE/words"
echo more >> "$PLACE/faircmr/heart/file"
exit 3
"""


@pytest.fixture
def platform(tmp_path: Path) -> Path:
    """A folder with what the platform and the image have: a project that is mounted, GPUs, and Python."""
    project = tmp_path / "project" / "Short axis" / "12"
    project.mkdir(parents=True)
    (project / "scan.zip").touch()
    (tmp_path / "work").mkdir()
    (tmp_path / "image").mkdir()
    for name, script in {"nvidia-smi": GPUS, "python": RUN}.items():
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    text = SCRIPT.read_text().replace("/tmp/faircmr", f"{tmp_path}/faircmr")
    text = text.replace("cd /faircmr", f"cd {tmp_path}/image")
    (tmp_path / "script.sh").write_text(text.replace("cd /faircmr", f"cd {tmp_path}/image"))
    return tmp_path


def on_platform(place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(place / "script.sh"), "heart", "__default__", str(place / "project" / "Short axis")],
        cwd=place / "work",
        env={**os.environ, "PATH": f"{place}{os.pathsep}{os.environ['PATH']}", "PLACE": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_job_on_the_platform_leaves_one_file_that_the_next_one_goes_on_with(platform: Path):
    done = on_platform(platform)
    assert (done.returncode, done.stdout) == (0, "the run ended with status 3\n"), done.stderr
    first = next((platform / "work").glob("heart-*.tar"))
    assert sorted(path.suffix for path in (platform / "work").iterdir()) == [".tar", ".txt"]
    words = (platform / "words").read_text()
    assert f"data_root={platform}/faircmr/heart,source_root={platform}/faircmr/source,cluster.workers=2," in words
    assert (platform / "faircmr" / "source" / "Short axis" / "12" / "scan.zip").is_symlink()

    # another machine, to which the file was handed in
    shutil.rmtree(platform / "faircmr")
    first.rename(platform / "work" / "heart-20000101T000000Z.tar")
    on_platform(platform)
    (second,) = set((platform / "work").glob("heart-*.tar")) - {platform / "work" / "heart-20000101T000000Z.tar"}
    listed = subprocess.run(["tar", "-xOf", second, "heart/file"], capture_output=True, text=True, check=True)
    assert listed.stdout == "more\nmore\n"


def test_a_job_on_the_platform_without_gpus_says_so_in_one_line(platform: Path):
    (platform / "nvidia-smi").write_text("#!/bin/bash\n")

    done = on_platform(platform)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Error: GPUs: none is seen; at least one; choose a machine that has some (--instance-type)"
    ]
