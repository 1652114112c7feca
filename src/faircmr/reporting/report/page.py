"""The fairness report: everything that a study has saved, on one page that loads nothing."""

from __future__ import annotations

from collections.abc import Iterable

from faircmr.reporting.html_page import Html, element, page
from faircmr.reporting.omission_tables import HEADING
from faircmr.reporting.report import errors_sections as errors
from faircmr.reporting.report import fairness_sections as fairness
from faircmr.reporting.report import scores_sections as scores
from faircmr.reporting.report import study_sections as about
from faircmr.reporting.report.interaction import SCRIPT, STYLE
from faircmr.reporting.report.pictures import CasePictures
from faircmr.reporting.report.study import Study
from faircmr.reporting.report.words import LEFT_OUT_ID

Section = tuple[str, str, Iterable[Html]]
"""Id, heading and content."""


def study_report(study: Study, pictures: CasePictures, title: str) -> str:
    """One page about a study.

    Args:
        study: Its tables; what is empty is said to be absent.
        pictures: Of the best and worst segmentations.
        title: Heading of the page.

    Returns:
        HTML that loads nothing: figures are drawn in it, and its one script sorts and hides. Everything is there
        without it. No id of a subject stands in it. The same study gives the same text.
    """
    sections = [(one, heading, list(content)) for one, heading, content in _sections(study, pictures)]
    shown = [(one, heading, content) for one, heading, content in sections if content]
    links = (element("a", heading, href=f"#{one}") for one, heading, _ in shown)
    body = [
        element("h1", title),
        element("nav", *links, class_="sections", aria_label="Sections"),
        *(element("section", element("h2", heading), *content, id=one) for one, heading, content in shown),
    ]
    return str(page(title, body, STYLE, SCRIPT))


def _sections(study: Study, pictures: CasePictures) -> Iterable[Section]:
    return (
        ("summary", "Summary", fairness.summary(study)),
        (LEFT_OUT_ID, HEADING, scores.left_out(study)),
        ("cohort", "Cohort", scores.cohort(study)),
        ("strategies", "Strategies", scores.strategies(study)),
        ("tables", "Tables 1 and 2", scores.tables(study)),
        ("groups", "Groups", fairness.groups(study)),
        ("disparity", "Disparity", fairness.disparity(study)),
        ("changes", "Gains and losses", fairness.changes(study)),
        ("surfaces", "Surfaces", errors.surfaces(study)),
        ("clinical", "Clinical errors", errors.clinical(study)),
        ("classifier", "Classifier", errors.classifiers(study)),
        ("examples", "Examples", errors.cases(pictures)),
        ("other-study", "Other study", about.other_study(study)),
        ("reading", "How to read", about.reading(study)),
        ("provenance", "Provenance", about.provenance(study)),
    )
