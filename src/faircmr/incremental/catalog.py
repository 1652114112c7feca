"""The catalog whose outputs exist only where they are what a run now would make."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from kedro.framework.context import CatalogCommandsMixin
from kedro.io import DataCatalog

from faircmr.core.leases import lease
from faircmr.incremental.receipts import Key, key_of, path_of, remove_receipt, write_receipt


@runtime_checkable
class _PlaceOfWork(Protocol):
    """A data set that is a work folder: what is made in it, and by which code work there must have been begun."""

    of: str
    code: str | None


@runtime_checkable
class _KeptInParts(Protocol):
    """A data set that keeps parts of what it holds: by which code they must have been made, ``None`` for any."""

    code: str | None


class IncrementalCatalog(DataCatalog, CatalogCommandsMixin):
    """Kedro's catalog with receipts.

    It works wherever it is pickled to (a Dask worker, where no hook runs), for it brings the expected
    keys along.

    Attributes:
        expected: Keys of the outputs of the run in progress; without one nothing is expected and
            ``exists()`` is Kedro's own.
        keeps_code: Whether work begun by other code may be continued.
    """

    expected: Mapping[str, Key] = MappingProxyType({})
    keeps_code: bool = False

    def exists(self, ds_name: str) -> bool:
        """Whether the output is there, whole, and made from what it would be made from now."""
        dataset = self.get(ds_name)
        if dataset is None or not super().exists(ds_name):
            return False
        return ds_name not in self.expected or key_of(dataset) == self.expected[ds_name]

    def save(self, ds_name: str, data: Any) -> None:
        """Save between removing the old receipt and writing the new one, as the only one who does.

        A data set that keeps parts first learns by which code they must have been made.

        Raises:
            OutputError: Another process saves it, or has taken this save for dead and begun its own.
        """
        dataset = self[ds_name]
        path = path_of(dataset)
        with nullcontext() if path is None else lease(path, ds_name):
            remove_receipt(dataset)
            if ds_name in self.expected and isinstance(dataset, _KeptInParts):
                dataset.code = None if self.keeps_code else self.expected[ds_name].code
            super().save(ds_name, data)
            if ds_name in self.expected:
                write_receipt(dataset, self.expected[ds_name])

    def load(self, ds_name: str, version: str | None = None) -> Any:
        """Load; a work folder first learns by which code work in it must have been begun."""
        dataset: object = self.get(ds_name)
        if isinstance(dataset, _PlaceOfWork) and dataset.of in self.expected:
            dataset.code = "" if self.keeps_code else self.expected[dataset.of].code
        return super().load(ds_name, version)
