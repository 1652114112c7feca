from faircmr.core.omissions import Omission


def test_a_sentence_counts_and_says_why() -> None:
    assert str(Omission("masks", 4, 28, "in one folder alone")) == "4 of 28 masks are left out: in one folder alone"
    assert str(Omission("files", 2, None, "no NIfTI")) == "2 files are left out: no NIfTI"
