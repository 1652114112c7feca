"""Pairs of masks are read one at a time, when they are asked for."""

import numpy as np
import pytest

from faircmr.core import InvalidScanError
from faircmr.core.scans import MaskPair, MaskPairs, PairCoding, Structure

VALUES = PairCoding({7: Structure.LVBP}, {8: Structure.LVBP})
SPACING = (8.0, 1.5, 1.25)


class Folder:
    """Readers that say when they read, and by which values."""

    def __init__(self) -> None:
        self.read: list[tuple[int, object]] = []

    def reader(self, number: int):
        def read(coding):
            self.read.append((number, coding))
            label = np.full((1, 2, 2), number, np.uint8)
            return MaskPair(label, label + 1, SPACING)

        return read

    def pairs(self, *names: str) -> MaskPairs:
        return MaskPairs({name: self.reader(number) for number, name in enumerate(names)})


def test_each_pair_has_its_name_prediction_reference_and_spacing_in_order():
    found = list(Folder().pairs("b", "a").pairs(VALUES))

    assert [name for name, *_ in found] == ["b", "a"]
    assert [(prediction.max(), reference.max()) for _, (prediction, reference, *_) in found] == [(0, 1), (1, 2)]
    assert {pair.spacing for _, pair in found} == {SPACING}


def test_a_pair_is_read_when_it_is_asked_for_and_by_the_values_given():
    folder = Folder()

    pairs = folder.pairs("a", "b").pairs(VALUES)

    assert folder.read == []
    next(pairs)
    assert folder.read == [(0, VALUES)]


def test_pairs_can_be_read_again():
    pairs = Folder().pairs("a", "b")

    assert [name for name, *_ in pairs.pairs(VALUES)] == [name for name, *_ in pairs.pairs(VALUES)] == ["a", "b"]


def test_an_error_of_a_reader_comes_after_the_pairs_before_it():
    def damaged(_):
        raise InvalidScanError("case 2", "damaged", "a label image")

    pairs = MaskPairs({"a": Folder().reader(0), "b": damaged}).pairs(VALUES)

    assert next(pairs)[0] == "a"
    with pytest.raises(InvalidScanError, match="case 2: damaged"):
        next(pairs)
