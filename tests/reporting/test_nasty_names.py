"""Groups, models and attributes may have any name: every figure, page, card, table and line of the terminal shows them.

Names enter as they do in a study: through :mod:`faircmr.core.display_names`.
"""

from __future__ import annotations

import re
import warnings
from base64 import b64decode
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from defusedxml.ElementTree import fromstring

from faircmr.core import LONGEST_NAME, FaircmrError, Omission, display_name, escape_formula
from faircmr.core.scans import Phase
from faircmr.datasets import TableDataset, preview_content
from faircmr.fairness.audit import Audit, AuditParameters, audit
from faircmr.fairness.cohort_checks import check_cohort
from faircmr.reporting import (
    FitRow,
    GalleryExample,
    audit_report,
    cohort_gallery,
    cohort_report,
    demographics_figure,
    drawn_name,
    new_figure,
    render_status,
    to_jpeg,
    to_pdf,
    to_svg,
)
from faircmr.reporting.canvas import to_png
from faircmr.reporting.publication import (
    FIGURES,
    datasheet,
    flat_table_1,
    flat_table_2,
    latex_table_1,
    latex_table_2,
    model_card,
    paper_figures,
)
from faircmr.reporting.report import CasePictures, ReportParameters, Study, study_report
from faircmr.reporting.terminal_tables import render_checks, render_classifier, render_table1, render_table2
from tests.fairness.cohort_checks.cohorts import CohortOnPaper
from tests.nasty_names import NASTY
from tests.reporting.hearts import heart
from tests.reporting.report import simulated
from tests.reporting.test_status_table import NOW

pytestmark = pytest.mark.slow

SHOWN = {kind: display_name(name) for kind, name in NASTY.items()}
A_GROUP = 9
LARGEST_PAGE = 4_000_000
"""Bytes. Before names were shortened, one of 10,000 letters made a page of 7 MB."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
PARAMETERS = AuditParameters(attributes=("race", "sex"), covariates=("age",), draws=1_100, min_group_size=A_GROUP)
OWN_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "nav", "section", "details", "summary", "div", "p"),
    *("h1", "h2", "h3", "ul", "ol", "li", "dl", "dt", "dd", "a", "abbr", "strong", "em", "small", "sup", "span", "br"),
    *(
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "figure",
        "figcaption",
        "img",
        "script",
        "code",
        "button",
    ),
}


@pytest.fixture(scope="module")
def study() -> Study:
    """A study whose protected groups and sexes are called so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulated, "GROUPS", dict.fromkeys(SHOWN.values(), A_GROUP))
        means = {name: tuple(np.linspace(*ends, len(SHOWN))) for name, ends in simulated_means().items()}
        patch.setattr(simulated, "MEANS", means)
        patch.setattr(simulated, "AUDIT", AuditParameters(draws=1_100, min_group_size=A_GROUP))
        plain = simulated.subjects
        patch.setattr(simulated, "subjects", lambda: with_sexes(plain()))
        return simulated.study_of(simulated.scores(seeds=(0,)))


def simulated_means() -> dict[str, tuple[float, float]]:
    return {"baseline": (0.85, 0.94), "even": (0.9, 0.91)}


def with_sexes(people: pd.DataFrame) -> pd.DataFrame:
    return people.assign(sex=np.resize([SHOWN["markup"], SHOWN["a formula of a spreadsheet"]], len(people)))


@pytest.fixture(scope="module")
def audited() -> Audit:
    """An audit of two models; what is nasty comes as a user's tables have it."""
    race = np.repeat(list(NASTY.values()), A_GROUP)
    ids = [f"s{number}" for number in range(len(race))]
    rng = np.random.default_rng(0)
    scores = [
        pd.DataFrame({"subject_id": ids, "model": name, "dsc": rng.uniform(0.7, 0.95, len(ids))})
        for name in (NASTY["markup"], NASTY["a formula that cannot be parsed"], NASTY["ten thousand letters"])
    ]
    people = {
        "subject_id": ids,
        "race": race,
        "sex": np.resize(["\x1b[1m", "$M$"], len(ids)),
        "age": rng.normal(60, 9, len(ids)),
    }
    parameters = PARAMETERS.model_copy(update={"baseline": display_name(NASTY["markup"])})
    return audit(pd.concat(scores), pd.DataFrame(people), parameters)


@pytest.fixture(scope="module")
def on_paper() -> CohortOnPaper:
    cohort = CohortOnPaper()
    names = dict(zip("ABC", list(SHOWN.values())[:3], strict=True))
    for table, column in ((cohort.subjects, "protected_group"), (cohort.everybody, "race")):
        table[column] = table[column].replace(names)
    return cohort


class Reader(HTMLParser):
    """Keeps tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.sources: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.sources += [str(value) for name, value in attrs if name == "src"]

    def handle_data(self, data: str) -> None:
        self.text += data


def check_page(page: str, names: list[str]) -> None:
    read = Reader(page)
    assert not CONTROL.search(page)
    assert read.tags <= OWN_TAGS
    assert not read.handlers
    assert page.count("<script>") <= 1
    assert all(source.startswith("data:image/") for source in read.sources)
    for source in read.sources:
        if source.startswith("data:image/svg"):
            fromstring(b64decode(source.partition(",")[2]))
    missing = [name for name in names if name not in read.text]
    assert not missing
    assert len(page.encode()) < LARGEST_PAGE


def test_the_report_shows_all_names(study: Study):
    check_page(study_report(study, CasePictures(), "Title \x1b <b>"), list(SHOWN.values()))


def test_the_page_of_an_audit_shows_all_names(audited: Audit):
    models = [SHOWN[kind] for kind in ("markup", "a formula that cannot be parsed", "ten thousand letters")]

    check_page(audit_report(audited, PARAMETERS, "Title"), [*SHOWN.values(), *models])
    assert set(audited.groups.loc[audited.groups["attribute"] == "race", "group"]) == set(SHOWN.values())
    assert set(audited.groups["model"]) == set(models)


def test_the_report_of_a_cohort_shows_all_names(on_paper: CohortOnPaper):
    tables = on_paper.tables()
    checks = check_cohort(tables, on_paper.splits)

    check_page(cohort_report(tables, checks), list(SHOWN.values())[:3])
    assert not CONTROL.search(render_checks(checks, "Cohort"))


@pytest.fixture(scope="module")
def figures(study: Study) -> dict[str, tuple[str, bytes]]:
    with warnings.catch_warnings():
        # a character without a glyph is drawn as an empty box, and Matplotlib warns
        warnings.simplefilter("error")
        drawn = paper_figures(study)
    pairs = zip(drawn[::2], drawn[1::2], strict=True)
    return dict(zip(FIGURES, ((str(svg), bytes(pdf)) for svg, pdf in pairs), strict=True))


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_xml_and_bounded(figures: dict[str, tuple[str, bytes]], name: str):
    svg, pdf = figures[name]

    assert fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert len(svg) < LARGEST_PAGE
    assert pdf.startswith(b"%PDF")


def test_the_figure_of_demographics_is_xml(study: Study):
    fromstring(demographics_figure(study.tables.demographics))


@pytest.mark.parametrize("kind", NASTY)
def test_the_gallery_draws_every_name(kind: str):
    scans = {phase: heart() for phase in Phase}

    assert cohort_gallery([GalleryExample(SHOWN[kind], scans)]).startswith(b"\x89PNG")


@pytest.mark.parametrize("save", [to_svg, to_pdf, to_png, to_jpeg])
@pytest.mark.parametrize("kind", NASTY)
def test_no_text_of_a_figure_is_mathematics_wherever_it_stands(kind: str, save: Callable[..., object]):
    figure = new_figure(4, 3)
    panel = figure.subplots()
    name = drawn_name(NASTY[kind][:200])
    panel.plot([0, 1], label=name)
    panel.set(title=name, xlabel=name, ylabel=name)
    panel.set_xticks([0], labels=[name])
    panel.annotate(name, (0, 0))
    figure.legend()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "constrained_layout not applied")
        made = save(figure)

    if isinstance(made, str):
        fromstring(made)


def test_what_the_font_cannot_draw_is_a_code():
    assert drawn_name("中 é") == "<U+4E2D> é"
    assert "\n" in drawn_name("word " * 10, 20)


@pytest.mark.parametrize("make", [latex_table_1, latex_table_2])
def test_every_line_of_latex_has_as_many_cells_and_no_command_of_a_name(study: Study, make: Callable[[Study], str]):
    made = make(study)

    for tabular in re.findall(r"\\begin\{tabular\}.*?\\end\{tabular\}", made, re.DOTALL):
        width = len(re.search(r"\{(lr+)\}", tabular)[1])
        lines = [line for line in tabular.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
        assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {width - 1}
        assert not any(line.startswith(("[", "*")) for line in tabular.splitlines())
    assert not CONTROL.search(made)
    assert not re.search(r"\\(input|frac)|(?<!\\)\$10k", made)


@pytest.mark.parametrize("make", [model_card, datasheet])
def test_cards_are_markdown_without_markup_of_names(study: Study, make: Callable[..., str]):
    card = make(study, ReportParameters(licence="<script>x</script>"))
    tables = [line for line in card.splitlines() if line.startswith("|")]

    assert not CONTROL.search(card)
    assert "<" not in card
    assert len({line.count("|") for line in tables}) <= 4
    assert not [line for line in tables if re.search(r"(?<!\\)\[link|(?<!\\)\*\*bold|(?<![\\\w])_it_|\$10k", line)]
    assert len(card) < 100_000


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tables_are_read_as_they_were_written_and_no_cell_is_a_formula(study: Study, tmp_path: Path, suffix: str):
    tables = {**vars(study.tables), "flat1": flat_table_1(study), "flat2": flat_table_2(study)}
    for name, table in tables.items():
        if not len(table.columns):
            continue
        dataset = TableDataset(str(tmp_path / f"{name}.{suffix}"))
        dataset.save(table)
        texts = [name for name, column in table.items() if not pd.api.types.is_numeric_dtype(column)]
        loaded = dataset.load()[texts].astype("object").fillna("")
        assert loaded.astype("str").equals(table[texts].astype("object").fillna("").astype("str"))
        if suffix == "csv":
            cells = pd.read_csv(tmp_path / f"{name}.csv", dtype="str", header=None, keep_default_na=False)
            formulas = [cell for cell in cells.to_numpy().ravel() if escape_formula(cell) != cell]
            assert all(cell.startswith("'") for cell in formulas)


def test_tables_of_the_terminal_have_one_line_a_row_and_no_control_characters(study: Study):
    own = study.tables.table1[study.tables.table1["strategy"] == "baseline"].drop(columns="strategy")
    groups = dict.fromkeys(SHOWN.values(), 0.9)
    texts = {
        "table1": render_table1(own, "\\[bold]"),
        "table2": render_table2(study.tables.table2, "Table 2"),
        "status": render_status([FitRow("a", "b", "running", 1, 2, dsc=groups)], NOW, 1.0),
    }

    for text in texts.values():
        assert not CONTROL.search(text)
        assert "\u2026" not in text
        assert not [name for name in SHOWN.values() if name not in text]


def test_a_preview_escapes_names(tmp_path: Path):
    dataset = TableDataset(str(tmp_path / "table.csv"))
    names = [SHOWN[kind] for kind in ("markup", "markup of a cell", "an entity")]
    dataset.save(pd.DataFrame({"group": names, "<b>": [1, 2, 3]}))

    look = preview_content(dataset)

    assert Reader(look).tags <= {"p", "table", "thead", "tbody", "tr", "th", "td"}
    assert all(name in unescape(look) for name in names)


@pytest.mark.parametrize("kind", NASTY)
def test_messages_about_a_column_or_a_model_are_one_short_line(kind: str):
    ids = [f"s{number}" for number in range(20)]
    people = pd.DataFrame({"subject_id": ids, NASTY[kind]: ["F", "M"] * 10})
    scores = pd.DataFrame({"subject_id": ids, "model": NASTY[kind], "dsc": [0.9] * 19 + [900.0]})
    wide = pd.DataFrame({"subject_id": ids, NASTY[kind]: [0.9] * 19 + ["x"]})

    for table, attributes in ((scores, ("sex",)), (wide, ("sex",)), (scores.assign(dsc=0.9), ("sex",))):
        with pytest.raises(FaircmrError) as raised:
            audit(table, people, AuditParameters(attributes=attributes, draws=200))
        assert not CONTROL.search(str(raised.value))
        assert len(str(raised.value)) < 500 + LONGEST_NAME


def test_what_a_model_left_out_is_named_as_it_is_shown(audited: Audit):
    said = [*audited.notes, *map(str, audited.omissions)]

    assert all(isinstance(one, Omission) for one in audited.omissions)
    assert not [text for text in said if CONTROL.search(text)]


def test_a_classifier_of_groups_has_one_line_a_training():
    measures = [("all", measure) for measure in ("accuracy", "balanced_accuracy", "majority_rate")]
    measures += [(group, measure) for group in SHOWN.values() for measure in ("precision", "recall")]
    table = pd.DataFrame(measures, columns=["group", "measure"])
    text = render_classifier(table.assign(seed=0, level="subject", value=0.5, low=0.4, high=0.6), "Classifier")

    assert not CONTROL.search(text)
    assert not [name for name in SHOWN.values() if name not in text]
