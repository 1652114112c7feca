"""A warning is given once in a run, by every handler, and again in the next run."""

import logging
from collections.abc import Iterator

import pytest

from faircmr.core import Omission, log_omissions
from faircmr.running.logs import warnings_once

FEW = Omission("predicted scans", 2, 8, "no reference label", outcome="not scored")
OTHER = Omission("predicted scans", 3, 8, "no reference label", outcome="not scored")


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@pytest.fixture
def handlers() -> Iterator[tuple[Kept, Kept]]:
    kept = Kept(), Kept()
    root = logging.getLogger()
    for handler in kept:
        root.addHandler(handler)
    with warnings_once():
        yield kept
    for handler in kept:
        root.removeHandler(handler)


@pytest.mark.parametrize("names", [("faircmr.a", "faircmr.a"), ("faircmr.a", "faircmr.b.c")])
def test_a_sentence_is_given_once_whoever_says_it(handlers: tuple[Kept, Kept], names: tuple[str, str]):
    for name in names:
        log_omissions(logging.getLogger(name), [FEW, OTHER])

    assert [handler.texts for handler in handlers] == [[str(FEW), str(OTHER)]] * 2


def test_the_next_run_gives_it_again_and_nothing_is_left_behind():
    kept, root = Kept(), logging.getLogger()
    root.addHandler(kept)
    for _ in range(3):
        with warnings_once():
            for _ in range(2):
                log_omissions(logging.getLogger("faircmr.a"), [FEW])
    root.removeHandler(kept)

    assert kept.texts == [str(FEW)] * 3
    assert kept.filters == []


@pytest.mark.parametrize(("name", "level"), [("kedro.io", logging.WARNING), ("faircmr.a", logging.ERROR)])
def test_errors_and_what_other_libraries_say_is_not_held_back(handlers: tuple[Kept, Kept], name: str, level: int):
    for _ in range(2):
        logging.getLogger(name).log(level, "the same")

    assert handlers[0].texts == ["the same"] * 2


def test_what_was_given_to_one_format_with_other_numbers_is_given(handlers: tuple[Kept, Kept]):
    for count in (1, 2, 2):
        logging.getLogger("faircmr.a").warning("%d of %d", count, 3)

    assert handlers[0].texts == ["1 of 3", "2 of 3"]
