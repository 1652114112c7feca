"""What Kedro is given to run nodes with."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

from kedro.runner import AbstractRunner

from faircmr.core.stopping import interruption_as_error


class StoppableRunner(AbstractRunner):
    """Another runner, whose run a signal ends with an error: Kedro tells its hooks of nothing else.

    Args:
        runner: The one that runs the nodes.
    """

    def __init__(self, runner: AbstractRunner) -> None:
        super().__init__()
        self._runner = runner

    def __str__(self) -> str:
        return str(self._runner)

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """As the other runner.

        Raises:
            StoppedError: A signal has interrupted it.
        """
        with interruption_as_error():
            return self._runner.run(*args, **options)

    def _run(self, *args: Any, **options: Any) -> None:
        self._runner._run(*args, **options)  # noqa: SLF001 - Kedro's own part of a runner, as is the next

    def _get_executor(self, max_workers: int) -> Executor | None:
        return self._runner._get_executor(max_workers)  # noqa: SLF001
