"""Kedro catalog in which an output exists only if a run now would make the same output."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from kedro.framework.context import CatalogCommandsMixin
from kedro.io import DataCatalog, DatasetError

from faircmr.core import InvalidParameterError
from faircmr.core.host import lease
from faircmr.incremental.receipts import Key, key_of, path_of, remove_receipt, write_receipt

_WRONG_ENTRY = (DatasetError, ImportError, TypeError, ValueError)
"""Raised where the type of an entry cannot be imported, or does not take its arguments."""

_HINTS = ("Hint:", "http")
"""Beginnings of lines of Kedro's errors that do not say what is wrong."""


@runtime_checkable
class _WorkFolder(Protocol):
    """A data set that is a work folder: the output made in it, and the digest of the code that must have started it."""

    of: str
    code: str | None


@runtime_checkable
class _PartialDataset(Protocol):
    """A data set that reuses stored parts made by the code with digest ``code``; ``None`` permits any code."""

    code: str | None


class IncrementalCatalog(DataCatalog, CatalogCommandsMixin):
    """Kedro's catalog with receipts.

    It also works when pickled to a Dask worker, where no hook runs, because it carries the expected keys.

    Attributes:
        expected: Keys of the outputs of the run in progress. For an output without a key, ``exists()`` is
            Kedro's own.
        keeps_code: Whether work started by other code may be continued.
    """

    expected: Mapping[str, Key] = MappingProxyType({})
    keeps_code: bool = False

    @classmethod
    def from_config(cls, *args: Any, **options: Any) -> DataCatalog:
        """Same as in Kedro.

        Raises:
            InvalidParameterError: An entry of the configuration is invalid.
        """
        with _catalog_errors():
            return super().from_config(*args, **options)

    def get(self, key: str, *args: Any, **options: Any) -> Any:
        """Same as in Kedro, which creates the data set on first use.

        Raises:
            InvalidParameterError: The data set's entry in the configuration is invalid.
        """
        with _catalog_errors(key):
            return super().get(key, *args, **options)

    def exists(self, ds_name: str) -> bool:
        """Whether the output exists, is complete, and has the key that a run now would give it."""
        dataset = self.get(ds_name)
        if dataset is None or not super().exists(ds_name):
            return False
        return ds_name not in self.expected or key_of(dataset) == self.expected[ds_name]

    def save(self, ds_name: str, data: Any) -> None:
        """Save under a lease: remove the old receipt, save the data, write the new receipt.

        A data set that reuses parts first receives the digest of the code that must have made them.

        Raises:
            OutputError: Another process saves this data set, or has taken over its lease.
        """
        dataset = self[ds_name]
        path = path_of(dataset)
        with nullcontext() if path is None else lease(path, ds_name):
            remove_receipt(dataset)
            if ds_name in self.expected and isinstance(dataset, _PartialDataset):
                dataset.code = None if self.keeps_code else self.expected[ds_name].code
            super().save(ds_name, data)
            if ds_name in self.expected:
                write_receipt(dataset, self.expected[ds_name])

    def load(self, ds_name: str, version: str | None = None) -> Any:
        """Load; a work folder first receives the digest of the code that must have started work in it."""
        dataset: object = self.get(ds_name)
        if isinstance(dataset, _WorkFolder) and dataset.of in self.expected:
            dataset.code = "" if self.keeps_code else self.expected[dataset.of].code
        return super().load(ds_name, version)


def _raised_by_kedro(error: BaseException) -> bool:
    """Whether Kedro itself raised an error, not the code of a data set."""
    *_, last = traceback.walk_tb(error.__traceback__)
    return str(last[0].f_globals.get("__name__", "")).startswith("kedro.")


@contextmanager
def _catalog_errors(name: str = "") -> Iterator[None]:
    """Translate Kedro's errors about invalid catalog entries into one line.

    Errors that a data set raises itself are not changed.
    """
    try:
        yield
    except KeyError as error:
        if not _raised_by_kedro(error):
            raise
        remedy = "write them in conf/local/credentials.yml, or correct their name in conf/*/catalog*.yml"
        raise InvalidParameterError("catalog", str(error.args[0]).partition(":")[0], "existing ones", remedy) from error
    except DatasetError as error:
        cause = error.__cause__
        if not (cause is None or isinstance(cause, _WRONG_ENTRY) or _raised_by_kedro(cause)):
            raise
        lines = [line.strip() for line in str(cause or error).splitlines()]
        raise InvalidParameterError(
            f"catalog, {name}" if name else "catalog",
            " ".join(line for line in lines if line and not line.startswith(_HINTS)).rstrip(".,: "),
            "a type that can be imported, with its own arguments",
            "correct the entry in conf/*/catalog*.yml, or install the package of the type",
        ) from error
