"""Names that users choose and that become folders of a study: of a strategy, and of an exported data set."""

from __future__ import annotations

import re

from faircmr.core.shown_names import LONGEST_NAME
from faircmr.core.validation import NotPermittedError

_STRATEGY = re.compile(r"[A-Za-z0-9]\w*", re.ASCII)
_NNUNET_DATASET = re.compile(r"Dataset\d{3}_[A-Za-z0-9]\w*", re.ASCII)


def strategy_name(value: str) -> str:
    """The name of a strategy.

    Raises:
        NotPermittedError: No strategy can be called so.
    """
    if _STRATEGY.fullmatch(value) is None or len(value) > LONGEST_NAME:
        permitted = f"the name of a strategy, of at most {LONGEST_NAME} letters, digits and _"
        raise NotPermittedError(permitted, "e.g. baseline")
    return value


def nnunet_dataset_name(value: str) -> str:
    """The name of a raw data set's folder, as nnU-Net takes it.

    Raises:
        NotPermittedError: nnU-Net would not take it.
    """
    if _NNUNET_DATASET.fullmatch(value) is None or len(value) > LONGEST_NAME:
        permitted = f"Dataset<three digits>_<letters and digits>, at most {LONGEST_NAME} characters"
        raise NotPermittedError(permitted, "e.g. Dataset101_Study")
    return value
