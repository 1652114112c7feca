"""Several things at once give what one after the other gives, and only a few are under way."""

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidParameterError, InvalidScanError
from faircmr.core.host import map_in_order, worker_count
from faircmr.core.host.processes import MOST_BY_DEFAULT


@given(st.lists(st.integers()), st.integers(1, 5))
def test_results_come_in_the_order_of_the_items(items: list[int], workers: int):
    assert list(map_in_order(lambda item: item + 1, items, workers)) == [item + 1 for item in items]


def test_what_starts_first_comes_first_also_where_it_ends_last():
    def slow_at_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return item

    assert list(map_in_order(slow_at_first, range(6), 3)) == [*range(6)]


def test_works_on_as_many_as_there_are_workers_and_no_more():
    both = threading.Barrier(2, timeout=10)
    under_way, most = 0, 0
    lock = threading.Lock()

    def work(item: int) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        both.wait()
        with lock:
            under_way -= 1

    assert len(list(map_in_order(work, range(8), 2))) == 8
    assert most == 2


def test_takes_items_only_when_there_is_room():
    taken = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    results = map_in_order(lambda item: item, items(), 2)
    assert next(results) == 0
    assert len(taken) <= 3
    results.close()


def test_of_several_errors_the_first_item_has_the_word_and_the_rest_is_left():
    seen = []

    def fail(item: int) -> int:
        seen.append(item)
        time.sleep(0.02 if item == 1 else 0)
        if item in {1, 2}:
            raise InvalidScanError(f"sub-{item:04d} ED", "damaged", "a whole file")
        return item

    with pytest.raises(InvalidScanError, match="sub-0001"):
        list(map_in_order(fail, range(100), 2))
    assert len(seen) < 10


@pytest.mark.parametrize("workers", [0, -1, 1.5, "two", True])
def test_refuses_what_is_no_number_of_workers(workers: object):
    with pytest.raises(InvalidParameterError, match=r"workers: .*; a whole number of 1 or more, or null"):
        worker_count(workers)  # type: ignore[arg-type]


def test_takes_the_cpus_of_the_process_where_nothing_is_said():
    assert 1 <= worker_count(None) <= MOST_BY_DEFAULT
    assert worker_count(37) == 37
