"""Figures for a paper: each as SVG, and as PDF."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from faircmr.fairness.trade_off import pareto_front
from faircmr.reporting.canvas import PALE_INK, new_figure, to_pdf, to_svg
from faircmr.reporting.figures import draw_demographics
from faircmr.reporting.forest import draw_forest
from faircmr.reporting.pareto import draw_pareto
from faircmr.reporting.report.figures import draw_changes, draw_disparity
from faircmr.reporting.report.strategy_figure import draw_strategies
from faircmr.reporting.report.study import Study
from faircmr.reporting.report.words import ABSENT

FIGURES = ("strategies", "cohort", "groups", "disparity", "changes", "pareto")
"""Names in the order in which they are drawn."""


def paper_figures(study: Study) -> tuple[str | bytes, ...]:
    """All figures of :data:`FIGURES`.

    Args:
        study: Its tables; where one is missing, the figure says so.

    Returns:
        SVG and PDF of the first, then of the second, and so on. The same study gives the same bytes.
    """
    drawn = [_DRAW[name](study) for name in FIGURES]
    return tuple(made for figure in drawn for made in (to_svg(figure), to_pdf(figure)))


def _strategies(study: Study) -> Figure:
    choices = study.tables.choices
    shown = choices[choices["strategy"].isin(study.strategies)] if len(choices) else choices
    return draw_strategies(shown) if len(shown) else _sentence(ABSENT["choices"])


def _cohort(study: Study) -> Figure:
    table = study.tables.demographics
    return draw_demographics(table) if len(table) else _sentence(ABSENT["demographics"])


def _groups(study: Study) -> Figure:
    own, apart = (study.of(table, study.protected) for table in (study.tables.groups, study.tables.disparity))
    return draw_forest(own, apart, "DSC (%)") if len(apart) else _sentence(ABSENT["few_groups"])


def _disparity(study: Study) -> Figure:
    apart = study.of(study.tables.disparity, study.protected)
    return draw_disparity(study) if len(apart) else _sentence(ABSENT["few_groups"])


def _changes(study: Study) -> Figure:
    own, apart = (study.of(table, study.protected) for table in (study.tables.changes, study.tables.disparity))
    return draw_changes(study) if len(own) and len(apart) else _sentence(ABSENT["changes"])


def _pareto(study: Study) -> Figure:
    points = study.of(study.tables.disparity, study.protected)
    if len(points) < 2:
        return _sentence(ABSENT["changes"])
    front = pareto_front(points["mean"], points["SD"])
    return draw_pareto(points.rename(columns={"model": "strategy"}).assign(pareto=front), study.baseline)


def _sentence(text: str) -> Figure:
    figure = new_figure(7.2, 0.8)
    figure.text(0.01, 0.5, text, va="center", fontsize=8, color=PALE_INK, wrap=True)
    return figure


_DRAW: Mapping[str, Callable[[Study], Figure]] = dict(
    zip(FIGURES, (_strategies, _cohort, _groups, _disparity, _changes, _pareto), strict=True)
)
