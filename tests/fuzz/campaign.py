"""Thousands of inputs for one reader, each read in a process that may die."""

from __future__ import annotations

import resource
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from tests.fuzz.examining import Examiner, Outcome, write_tree
from tests.fuzz.mutating import mutated_tree
from tests.fuzz.readers import READERS, Reader
from tests.fuzz.variants import Tree

BLOCK = 500
"""Inputs after which the corpus is forgotten: blocks are independent, so that a run can be divided and repeated."""
PATIENCE = 10.0
"""Seconds after which a reader hangs."""
STARTUP = 120.0
MEMORY = 512 * 2**20
"""Bytes of address space beyond what an interpreter takes that has read one valid input."""


def inputs(reader: str, seed: int, count: int) -> Iterator[tuple[int, Tree, list[Tree]]]:
    """Damaged inputs by number, with the corpus that the input may be added to.

    Each block begins with the valid inputs. What is added to the corpus is damaged further.
    """
    valid = [make() for make in READERS[reader].seeds]
    for number in range(count):
        if number % BLOCK == 0:
            random, corpus = Random(f"{reader} {seed} {number // BLOCK}"), list(valid)
        # the valid ones half of the time, so that damage does not only pile up
        parent = random.choice(valid if random.random() < 0.5 else corpus)
        yield number, mutated_tree(parent, random), corpus


@dataclass
class Tally:
    """What came of all inputs of one reader."""

    reader: str
    inputs: int = 0
    signatures: Counter[str] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)
    slowest: float = 0.0

    def add(self, outcome: Outcome) -> bool:
        """Count an outcome, and say whether it is the first of its kind."""
        self.inputs += 1
        self.signatures[outcome.signature] += 1
        self.slowest = max(self.slowest, outcome.seconds)
        if outcome.fault:
            self.faults.setdefault(outcome.signature, outcome.fault)
        return self.signatures[outcome.signature] == 1

    @property
    def faulty(self) -> int:
        """Inputs that ended in a fault."""
        return sum(self.signatures[signature] for signature in self.faults)


class Worker:
    """A process that reads what it is sent, and is replaced when it dies or hangs."""

    def __init__(self, reader: Reader, patience: float = PATIENCE) -> None:
        self._reader, self._patience = reader, patience
        self._folder = tempfile.TemporaryDirectory(prefix="faircmr-fuzz-", ignore_cleanup_errors=True)
        self._start()

    def examine(self, tree: Tree) -> Outcome:
        self._pipe.send(tree)
        if not self._pipe.poll(self._patience):
            self._restart()
            return Outcome("hang", f"no answer in {self._patience:.0f} s", self._patience)
        try:
            outcome: Outcome = self._pipe.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            self._restart()
            return Outcome(f"death {code}", f"the interpreter ended with {code}")
        return outcome

    def close(self) -> None:
        self._end()
        self._folder.cleanup()

    def _restart(self) -> None:
        self._end()
        self._start()

    def _end(self) -> None:
        self._process.kill()
        self._process.join()

    def _start(self) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(self._reader, Path(self._folder.name), theirs), daemon=True
        )
        self._process.start()
        theirs.close()
        if not self._pipe.poll(STARTUP):
            raise TimeoutError("the worker did not start")
        self._pipe.recv()


def run(reader: str, seed: int, count: int, kept: Path | None = None) -> Tally:
    """Read inputs and count what comes of them; what goes wrong first in each way is kept in a folder."""
    tally, worker = Tally(reader), Worker(READERS[reader])
    try:
        for number, tree, corpus in inputs(reader, seed, count):
            outcome = worker.examine(tree)
            # an outcome may be a fault although its words, without numbers, were none before
            first_fault = bool(outcome.fault) and outcome.signature not in tally.faults
            if tally.add(outcome):
                corpus.append(tree)
            if first_fault and kept is not None:
                _keep(kept / f"{reader} {seed} {number}", tree, outcome)
    finally:
        worker.close()
    return tally


def _serve(reader: Reader, folder: Path, pipe: Connection) -> None:
    """Read until killed."""
    warnings.filterwarnings("error", module="faircmr")
    examiner = Examiner(reader, folder)
    for make in reader.seeds:
        examiner.examine(make())
    _limit_memory()
    pipe.send("ready")
    while True:
        pipe.send(examiner.examine(pipe.recv()))


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _keep(folder: Path, tree: Tree, outcome: Outcome) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_tree(folder / "input", tree)
    (folder / "fault.txt").write_text(outcome.fault, errors="backslashreplace")
