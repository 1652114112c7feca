"""Sections of the fairness report: cohort and scores, groups, and what Dice does not show."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from faircmr.core import PROTECTED_GROUP, omissions_in
from faircmr.fairness.metrics import PREDICTED_GROUP
from faircmr.fairness.tables import pareto_front
from faircmr.reporting import (
    CAPTION,
    HEADING,
    LEVELLING_DOWN,
    NO_BREAK,
    PARETO,
    Html,
    adjusted_rows,
    change_rows,
    decimal,
    demographics_figure,
    disparity_rows,
    effect_rows,
    element,
    figure,
    forest_figure,
    group_rows,
    interval,
    matched_rows,
    omission_section,
    overview,
    pareto_figure,
    picture_of,
    table,
    to_svg,
    together,
    with_reading,
)
from faircmr.reporting.report.cases import CasePictures
from faircmr.reporting.report.figures import (
    HEADINGS,
    draw_agreement,
    draw_changes,
    draw_disparity,
    draw_strategies,
    draw_surface,
    first_seed,
)
from faircmr.reporting.report.study import Study, each
from faircmr.reporting.report.tables import (
    PUBLISHED_MARK,
    SOUND_MARK,
    WORDS,
    Columns,
    bullets,
    chance_of_disparity,
    paper_table,
    rows_table,
    sentence,
    table_1,
    table_2,
)
from faircmr.reporting.report.words import (
    ABSENT,
    AGREEMENT,
    AXES,
    CASES,
    CAUTION,
    CHANGES,
    CLASSIFIER,
    COHORT,
    DISPARITY,
    LEFT_OUT,
    LEFT_OUT_ID,
    NOT_RECORDED,
    NOTHING_LEFT_OUT,
    SMALL,
    STRATEGIES,
    SURFACE,
    TABLE_1,
    TABLE_2,
)

SEX, PERCENT = "sex_", "_percent"


def cohort(study: Study) -> Iterator[Html]:
    """Fig. 2 and its numbers."""
    table = study.tables.demographics
    if table.empty:
        yield sentence(ABSENT["demographics"])
        return
    yield figure(demographics_figure(table), COHORT.format(attribute=study.protected))
    yield rows_table("Everybody in the study", table, _demographic_columns(table))


def left_out(study: Study) -> Iterator[Html]:
    """What the study and each strategy left out, and which attributes are missing."""
    table = study.tables.omissions
    if table.empty and not len(table.columns):
        yield sentence(ABSENT["omissions"])
        return
    yield from omission_section(omissions_in(table), NOTHING_LEFT_OUT)
    if unknown := study.without_omissions:
        yield sentence(NOT_RECORDED.format(strategies=", ".join(unknown)))


def strategies(study: Study) -> Iterator[Html]:
    """Fig. 1 of the strategies that were scored, and the choices of all."""
    choices = study.tables.choices
    if choices.empty:
        yield sentence(ABSENT["choices"])
        return
    scored = choices[choices["strategy"].isin(study.strategies)] if study.strategies else choices
    first = str(scored["strategy"].iloc[0])
    yield figure(to_svg(draw_strategies(scored)), STRATEGIES.format(first=first))
    columns: Columns = {
        "strategy": lambda row: str(row.strategy),
        "scored": lambda row: "yes" if row.strategy in study.strategies else "no",
        "control of": lambda row: str(row.control) or "-",
        **{HEADINGS[axis]: _text(choices.columns.tolist().index(axis)) for axis in AXES},
    }
    listed = rows_table("All strategies of the registry", choices.fillna(""), columns, class_=WORDS)
    yield element("details", element("summary", "All strategies, choice by choice"), listed)


def tables(study: Study) -> Iterator[Html]:
    """Table 2, then Table 1 of each strategy."""
    words = {"star": PUBLISHED_MARK, "dagger": SOUND_MARK, **study.words}
    if study.strategies:
        yield element("p", TABLE_2.format(**words))
        yield paper_table("Table 2: DSC by group (%)", table_2(study), "strategy")
        if study.tables.table2["seeds"].max() < 2:
            yield sentence(ABSENT["seeds"])
    else:
        yield sentence(ABSENT["table2"])
    own = study.tables.table1
    if own.empty:
        yield sentence(ABSENT["table1"])
        return
    yield element("p", TABLE_1.format(**words))
    for strategy in dict.fromkeys(own["strategy"].astype(str)):
        yield element("h3", f"Table 1: {strategy}")
        yield paper_table(f"DSC of {strategy} (%)", table_1(study, strategy), "group")


def _demographic_columns(table: pd.DataFrame) -> Columns:
    columns: Columns = {
        "group": lambda row: str(row.protected_group),
        "subjects": lambda row: str(row.n),
        "share (%)": lambda row: decimal(row.percent, 1),
    }
    # by place: a sex may be called as no attribute of a tuple can be
    places = {str(name): place for place, name in enumerate(table.columns)}
    for name, place in places.items():
        if name.startswith(SEX) and name.endswith(PERCENT):
            columns[f"{name.removeprefix(SEX).removesuffix(PERCENT)} (%)"] = _number_at(place)
    if "age_mean" in table:
        columns |= {
            "age, mean (years)": _number_at(places["age_mean"]),
            "age, spread (years)": _number_at(places["age_sd"]),
        }
    missing = {"sex_missing": "sex not recorded", "age_missing": "age not recorded"}
    return columns | {text: _text(places[name]) for name, text in missing.items() if name in places}


def _number_at(place: int) -> Any:
    return lambda row: decimal(float(row[place]), 1)


def _text(place: int) -> Any:
    return lambda row: together([str(row[place])])


UNIT = "DSC"


def summary(study: Study) -> Iterator[Html]:
    """The answer first: a line a strategy, who is levelled down, and who is too few."""
    yield element("p", CAUTION)
    if len(study.tables.omissions) and (kinds := sum(map(len, omissions_in(study.tables.omissions).values()))):
        counted = f"{kinds} kind{'s' if kinds > 1 else ''}"
        yield element("p", LEFT_OUT.format(kinds=counted), element("a", HEADING, href=f"#{LEFT_OUT_ID}"), ".")
    if study.tables.groups.empty:
        yield sentence(ABSENT["groups"])
        return
    yield overview(study.tables.groups, study.attributes)
    yield element("h3", f"By {study.protected}, strategy by strategy")
    yield bullets([*_lines(study)] or [ABSENT["few_groups"]])
    yield element("h3", "Small groups")
    yield bullets([*_small(study)])


def groups(study: Study) -> Iterator[Html]:
    """Means of groups, the protected attribute first; each further one folded away."""
    if study.tables.groups.empty:
        yield sentence(ABSENT["groups"])
        return
    first, *others = study.attributes
    yield from _by(study, first)
    for attribute in others:
        yield element("details", element("summary", f"By {attribute}"), *_by(study, attribute))


def disparity(study: Study) -> Iterator[Html]:
    """SD over groups on what chance gives, and what evenness costs."""
    own = study.of(study.tables.disparity, study.protected)
    if own.empty:
        yield sentence(ABSENT["groups"] if study.tables.groups.empty else ABSENT["few_groups"])
        return
    yield figure(to_svg(draw_disparity(study)), DISPARITY.format(attribute=study.protected, **study.words))
    yield disparity_rows(own, UNIT)
    if len(own) > 1:
        points = own.rename(columns={"model": "strategy"})
        points["pareto"] = pareto_front(points["mean"], points["SD"])
        yield figure(pareto_figure(points, study.baseline), PARETO.format(attribute=study.protected))


def changes(study: Study) -> Iterator[Html]:
    """What each strategy gives and takes."""
    own = study.of(study.tables.changes, study.protected)
    apart = study.of(study.tables.disparity, study.protected)
    if own.empty or apart.empty:
        yield sentence(ABSENT[_without_changes(study)])
        return
    yield figure(to_svg(draw_changes(study)), CHANGES.format(baseline=study.baseline, **study.words))
    yield change_rows(with_reading(own, apart, study.baseline), study.baseline)


def _without_changes(study: Study) -> str:
    """Why no strategy can be compared with the baseline: a key of ``ABSENT``."""
    if study.tables.groups.empty:
        return "groups"
    return "changes" if study.tables.groups["model"].nunique() == 1 else "few_groups"


def _by(study: Study, attribute: str) -> Iterator[Html]:
    own, apart = (study.of(table, attribute) for table in (study.tables.groups, study.tables.disparity))
    if apart.empty:
        yield sentence(ABSENT["few_groups"])
    else:
        caption = CAPTION.format(attribute=attribute, **study.words)
        yield figure(forest_figure(own, apart, f"{UNIT} (%)"), caption)
    yield group_rows(own, UNIT)
    yield effect_rows(own)
    adjusted, matched = (study.of(table, attribute) for table in (study.tables.adjusted, study.tables.matched))
    if len(adjusted):
        yield adjusted_rows(adjusted)
    if len(matched):
        yield matched_rows(matched)


def _lines(study: Study) -> Iterator[Html]:
    own = study.of(study.tables.disparity, study.protected)
    chance = chance_of_disparity(study.of(study.tables.groups, study.protected), study.audit.confidence)
    upper = dict(zip(chance["model"], chance["upper"], strict=True))
    for row in each(own):
        said = (
            f": Avg {decimal(row.Avg)}{NO_BREAK}% ({interval(row.Avg_low, row.Avg_high)}), SD {decimal(row.SD)} points "
            f"({interval(row.SD_low, row.SD_high)}; by chance alone up to {decimal(upper.get(row.model, np.nan))}), "
            f"SER {decimal(row.SER)}; may be the worst: {row.may_be_worst}. "
        )
        yield element("span", element("strong", str(row.model)), said, *_alarm(study, str(row.model)))


def _alarm(study: Study, strategy: str) -> Iterator[Html]:
    changes = study.of(study.tables.changes, study.protected)
    if changes.empty:
        return
    read = with_reading(changes, study.of(study.tables.disparity, study.protected), study.baseline)
    down = read[(read["model"] == strategy) & read["reading"].str.contains(LEVELLING_DOWN)]
    if len(down):
        lost = ", ".join(f"{group} {decimal(by)}" for group, by in zip(down["group"], down["change"], strict=True))
        yield element("strong", f"{LEVELLING_DOWN.capitalize()}: {lost} points.", class_="alarm")


def _small(study: Study) -> Iterator[str]:
    """In plain words what cannot be known of each protected group; of the strategy that is told most about."""
    own = study.of(study.tables.groups, study.protected)
    least = study.audit.min_group_size
    for group, rows in own.groupby("group", sort=False):
        scored, known = int(rows["n"].max()), rows[rows["detectable"].notna()].sort_values("detectable", kind="stable")
        words = {"group": str(group), "n": scored, "least": least}
        if scored == 0:
            yield SMALL["unscored"].format(**words)
        elif scored < least:
            yield SMALL["few"].format(**words)
        elif known.empty:
            yield SMALL["alone"].format(**words)
        else:
            best = each(known)[0]
            yield SMALL["detectable"].format(gap=decimal(best.detectable), strategy=best.model, **words)


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
