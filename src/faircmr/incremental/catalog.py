"""The catalog whose outputs exist only where they are what a run now would make."""

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

    @classmethod
    def from_config(cls, *args: Any, **options: Any) -> DataCatalog:
        """As Kedro's.

        Raises:
            InvalidParameterError: An entry of the configuration is none.
        """
        with _errors_of_configuration():
            return super().from_config(*args, **options)

    def get(self, key: str, *args: Any, **options: Any) -> Any:
        """As Kedro's, which makes the data set when it is first needed.

        Raises:
            InvalidParameterError: Its entry in the configuration is none.
        """
        with _errors_of_configuration(key):
            return super().get(key, *args, **options)

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


def _raised_by_kedro(error: BaseException) -> bool:
    """Whether Kedro raises an error, and not the code of a data set."""
    *_, last = traceback.walk_tb(error.__traceback__)
    return str(last[0].f_globals.get("__name__", "")).startswith("kedro.")


@contextmanager
def _errors_of_configuration(name: str = "") -> Iterator[None]:
    """Say in one line which entry of the catalog Kedro cannot make a data set of, and why.

    A data set that refuses its arguments in its own words, or fails for a reason that is no matter of its arguments, is
    left as it is.
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
