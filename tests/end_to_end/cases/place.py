"""Where a case is tried: a project, a folder of inputs and one of a study, and what a command made of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pandas as pd

from tests.security.conftest import watching
from tests.studies import Project

MARKUP = re.compile(r"<(script|style)\b.*?</\1>|<[^>]+>", re.DOTALL)


@dataclass(frozen=True)
class Done:
    """What a command printed, and what is in the folder of its study."""

    process: subprocess.CompletedProcess[str]
    study: Path

    @property
    def code(self) -> int:
        return self.process.returncode

    @property
    def printed(self) -> str:
        """Both streams, with single spaces."""
        return " ".join((self.process.stdout + self.process.stderr).split())

    @property
    def error(self) -> str:
        """The one line that ends a refusal; fails where there is another ending."""
        last = (self.process.stderr.strip().splitlines() or [""])[-1]
        assert self.code == 1, f"exit status {self.code}: {self.printed[-3000:]}"
        assert last.startswith("Error: "), last
        assert "Traceback" not in self.printed
        return last

    def audited(self, name: str) -> pd.DataFrame:
        """A table of the audit; fails where the run did."""
        self.succeeds()
        return pd.read_csv(self.study / "08_reporting" / "audit" / f"{name}.csv", dtype={"group": str})

    @property
    def page(self) -> str:
        """Words of the audit's page."""
        return words_of(self.study / "08_reporting" / "audit" / "report.html")

    @property
    def cohort_page(self) -> str:
        """Words of the cohort's page."""
        return words_of(self.study / "08_reporting" / "cohort_report.html")

    @property
    def scans(self) -> pd.DataFrame:
        """The cohort's index: one row a scan; fails where the run did."""
        self.succeeds()
        return pd.read_parquet(self.study / "02_intermediate" / "scans.parquet")

    @property
    def quarantined(self) -> pd.DataFrame:
        return pd.read_csv(self.study / "02_intermediate" / "quarantine.csv")

    def succeeds(self) -> Done:
        assert self.code == 0, f"exit status {self.code}: {self.printed[-3000:]}"
        return self


@dataclass(frozen=True)
class Place:
    """One test's folder and a project that is shared."""

    project: Project
    folder: Path

    @property
    def inputs(self) -> Path:
        return self.folder / "inputs"

    @property
    def study(self) -> Path:
        return self.folder / "study"

    def run(self, pipelines: str, *arguments: str, **params: object) -> Done:
        """``kedro run`` of pipelines, with the study in this test's folder."""
        given = {"data_root": self.study, **params}
        return Done(self.project.run("--pipelines", pipelines, *arguments, params=given), Path(str(given["data_root"])))

    def audit(self, scores: str = "scores.csv", people: str = "people.csv", **params: object) -> Done:
        """Audit a table of scores by sex."""
        return self._audit("audit", people, {"audit_scores": self.inputs / scores}, params)

    def audit_masks(self, **params: object) -> Done:
        """Audit the folder ``found`` against ``drawn`` by sex."""
        folders = {"audit_predictions": self.inputs / "found", "audit_references": self.inputs / "drawn"}
        return self._audit("audit_masks", "people.csv", folders, params)

    def _audit(self, pipeline: str, people: str, scored: dict[str, Path], params: dict[str, object]) -> Done:
        asked = {"audit_demographics": self.inputs / people, "audit.attributes": "sex", "audit.draws": 1000}
        return self.run(pipeline, **{**scored, **asked, **params})

    def index(self, env: str, **params: object) -> Done:
        """Read a cohort as far as its index."""
        given = {"source_root": self.inputs, **params}
        return self.run("data_engineering", "--env", env, "--to-nodes", "index_cohort", **given)

    def cold(self, *arguments: str, log: Path) -> Done:
        """``python -m`` in the folder of inputs, in a process without the tests' settings that notes its sockets."""
        own = {name: value for name, value in os.environ.items() if name != "KEDRO_DISABLE_TELEMETRY"}
        environment = watching({**own, "PYTHONPATH": str(self.project.folder / "src"), "COLUMNS": "200"}, log)
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(
            command, cwd=self.inputs, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        return Done(done, self.study)


def words_of(page: Path) -> str:
    """Text of a page without markup, with single spaces."""
    return " ".join(unescape(MARKUP.sub(" ", page.read_text())).split())
