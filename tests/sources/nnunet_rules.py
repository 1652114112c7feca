"""What nnU-Net 2.8.1 asks of the folds of a raw data set, so that it can be tested where nnU-Net is not installed.

``benchmarks/nnunet/export_folds.py`` asks nnU-Net's own functions the same.

Source:
    nnU-Net 2.8.1: ``accumulate_cv_results`` of ``nnunetv2/evaluation/accumulate_cv_results.py`` refuses a case that two
    folds have predicted. A case of ``labelsTr`` that no fold has predicted it leaves out without a word;
    ``determine_postprocessing`` of ``nnunetv2/postprocessing/remove_connected_components.py``, which is run on the
    result, then says that this "should always be done on the entire dataset". ``do_split`` of
    ``nnunetv2/training/nnUNetTrainer/nnUNetTrainer.py`` warns of a case in both lists of a fold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from faircmr.sources.nnunet import Fold, read_folds


def validated(folds: Iterable[Fold]) -> list[str]:
    """Cases that the folds validate, in their order, each as often as it is validated."""
    return [case for fold in folds for case in fold.val]


def accumulation_fault(folder: Path) -> str | None:
    """Why nnU-Net would not accumulate the results of all folds over the whole data set; ``None`` if it would.

    Args:
        folder: Of the raw data set.
    """
    folds = read_folds(folder / "splits_final.json")
    labels = {path.name.removesuffix(".nii.gz") for path in (folder / "labelsTr").iterdir()}
    times = Counter(validated(folds))
    if any(count > 1 for count in times.values()):
        return "more than one of the folds has a prediction for a case"
    if labels - times.keys():
        return "not all files of labelsTr have a prediction"
    if any(set(fold.train) & set(fold.val) for fold in folds):
        return "some cases are both in the training and validation set"
    if any(not fold.train or not fold.val or not {*fold.train, *fold.val} <= labels for fold in folds):
        return "a fold is empty or names a case that is not there"
    return None
