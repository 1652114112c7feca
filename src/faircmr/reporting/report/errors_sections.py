"""Sections on what Dice does not tell: surfaces, clinical measures, the classifier, single cases."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pandas as pd

from faircmr.core.columns import PROTECTED_GROUP
from faircmr.fairness.classified import PREDICTED_GROUP
from faircmr.reporting.audit_tables import decimal, interval
from faircmr.reporting.canvas import to_svg
from faircmr.reporting.html_page import Html, element, figure, picture_of, table
from faircmr.reporting.report.figures import draw_agreement, draw_surface, first_seed
from faircmr.reporting.report.pictures import CasePictures
from faircmr.reporting.report.show import WORDS, Columns, rows_table, sentence
from faircmr.reporting.report.study import Study
from faircmr.reporting.report.words import ABSENT, AGREEMENT, CASES, CLASSIFIER, SURFACE

FIRST_MEASURES = ("LVEF", "RVEF", "LVEDV")
SHADES = 5


def surfaces(study: Study) -> Iterator[Html]:
    """HD95 and ASSD by group, and how often a structure was missed or invented."""
    found = study.tables.surface
    if found.empty or not (found["metric"] == "hd95").any():
        yield sentence(ABSENT["surface"])
        return
    yield figure(to_svg(draw_surface(study)), SURFACE.format(attribute=study.protected))
    wide = found.pivot_table(
        index=["strategy", "group"], columns=["metric", "structure"], values="mean", sort=False, dropna=False
    )
    wide.columns = pd.Index(["_".join(names) for names in wide.columns.to_flat_index()])
    columns: Columns = {"group": lambda row: str(row.group)}
    for structure in dict.fromkeys(found["structure"]):
        columns |= {
            f"HD95 {structure} (mm)": _number(f"hd95_{structure}", 1),
            f"ASSD {structure} (mm)": _number(f"assd_{structure}", 1),
            f"{structure} missed (% of scans that show it)": _number(f"missed_{structure}", 1, 100.0),
            f"{structure} invented (% of the others)": _number(f"invented_{structure}", 1, 100.0),
        }
    yield rows_table(f"Surfaces by {study.protected}: means over subjects", wide.reset_index(), columns, "strategy")


def clinical(study: Study) -> Iterator[Html]:
    """Bias and limits of agreement, and who is put into another class."""
    found = study.tables.agreement
    if found.empty:
        yield sentence(ABSENT["clinical"])
        return
    present = set(found["measure"])
    for measure in [name for name in FIRST_MEASURES if name in present][:2]:
        caption = AGREEMENT.format(measure=measure, attribute=study.protected)
        yield figure(to_svg(draw_agreement(study, measure)), caption)
    columns: Columns = {
        "measure": lambda row: f"{row.measure} ({row.unit})",
        "group": lambda row: str(row.group),
        "n": lambda row: str(row.n),
        "bias [interval]": lambda row: _bracketed(row.bias, row.bias_low, row.bias_high),
        "limits of agreement": lambda row: interval(row.lower_limit, row.upper_limit) or "-",
        "undefined": lambda row: str(row.undefined),
    }
    shown = rows_table("Clinical measures by group, first training seed", first_seed(found), columns, "strategy", WORDS)
    yield element("details", element("summary", "All clinical measures, number by number"), shown)
    if len(study.tables.reclassified):
        yield _reclassified(study)


def classifiers(study: Study) -> Iterator[Html]:
    """Confusion matrix of each classifier of the protected group, and how often it is right."""
    counts = study.tables.confusion
    if counts.empty:
        yield sentence(ABSENT["classifier"])
        return
    for strategy, rows in counts.groupby("strategy", sort=False):
        yield element("h3", str(strategy))
        yield element("p", CLASSIFIER.format(attribute=study.protected, strategy=strategy))
        yield _matrix(rows, f"Confusion matrix of {strategy}")
        yield from _accuracy(study.tables.classifiers, str(strategy))


def cases(pictures: CasePictures) -> Iterator[Html]:
    """Overlays."""
    if not pictures.pictures:
        yield sentence(ABSENT["cases"])
        return
    yield element("p", CASES)
    for one in pictures.pictures:
        yield element("h3", one.strategy)
        yield picture_of(b64decode(one.jpeg), "image/jpeg", one.caption)


def _reclassified(study: Study) -> Html:
    rows = first_seed(study.tables.reclassified)
    columns: Columns = {
        "measure": lambda row: str(row.measure),
        **{name.replace("_", " "): _any(name) for name in rows.columns.drop(["strategy", "seed", "measure"])},
    }
    shown = rows_table("Put into another class of ejection fraction", rows, columns, "strategy", WORDS)
    return element("details", element("summary", "Who is put into another class"), shown)


def _matrix(rows: pd.DataFrame, caption: str) -> Html:
    counts = rows.pivot_table(index=PROTECTED_GROUP, columns=PREDICTED_GROUP, values="subjects", aggfunc="sum")
    names = [str(name) for name in counts.columns]
    lines = []
    for group, row in zip(map(str, counts.index), counts.to_numpy(dtype=int), strict=True):
        total = int(row.sum())
        right = f"{100 * row[names.index(group)] / total:.0f} %" if total else "-"
        lines.append([group, *(_shaded(int(count), total) for count in row), str(total), right])
    return table(caption, ["true group", *(f"said {name}" for name in names), "subjects", "right"], {"": lines})


def _shaded(count: int, total: int) -> Html:
    shade = round(SHADES * count / total) if total else 0
    return element("span", str(count), class_=f"shade shade-{shade}")


def _accuracy(reports: pd.DataFrame, strategy: str) -> Iterator[Html]:
    if reports.empty:
        return
    own = reports[(reports["strategy"] == strategy) & (reports["level"] == "subject") & (reports["group"] == "all")]
    for seed, rows in own.groupby("seed", sort=True):
        value, low, high = (
            dict(zip(rows["measure"], 100.0 * rows[name].astype(float), strict=True))
            for name in ("value", "low", "high")
        )
        ends = interval(low["accuracy"], high["accuracy"], 0)
        yield element(
            "p",
            f"Training seed {seed}: right in {value['accuracy']:.0f} % of subjects ({ends}); mean over groups "
            f"{value['balanced_accuracy']:.0f} %; always naming the largest group of the test subjects: "
            f"{value['majority_rate']:.0f} %.",
        )


def _bracketed(value: float, low: float, high: float) -> str:
    ends = interval(low, high)
    return f"{decimal(value)} [{ends}]" if ends else decimal(value)


def _number(name: str, decimals: int, factor: float = 1.0) -> Any:
    return lambda row: decimal(factor * float(getattr(row, name, float("nan"))), decimals)


def _any(name: str) -> Any:
    def shown(row: Any) -> str:
        value = getattr(row, name)
        return (decimal(value) if isinstance(value, float) else str(value)) if not pd.isna(value) else "-"

    return shown
