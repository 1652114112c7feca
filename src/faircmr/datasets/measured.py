"""Tables of what was measured: true of the machine that it was measured on, and of no other."""

from __future__ import annotations

from faircmr.core.machine import this_machine
from faircmr.datasets.tables import TableDataset

MACHINE = "machine"
"""Column that names the machine, as :func:`~faircmr.core.machine.this_machine` does."""


class MeasuredTableDataset(TableDataset):
    """A table with a column ``machine``; on another machine it can be read, but is missing: a run makes it anew."""

    def _exists(self) -> bool:
        return super()._exists() and self._measured_here()

    def _measured_here(self) -> bool:
        try:
            table = self._read()
        except (OSError, ValueError):
            return False
        return MACHINE in table and bool((table[MACHINE] == this_machine()).all())
