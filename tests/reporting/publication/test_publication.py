"""What goes into a paper: tables that LaTeX can read, figures, cards without an invented fact."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from faircmr.reporting.publication import (
    datasheet,
    flat_table_1,
    flat_table_2,
    latex_table_1,
    latex_table_2,
    model_card,
    paper_figures,
)
from faircmr.reporting.publication.cards import TO_BE_SAID
from faircmr.reporting.publication.paper import COLUMNS, FIGURES
from faircmr.reporting.report import ABSENT, ReportParameters, Study, StudyTables
from tests.reporting.report.simulated import AUDIT, MEANS, study, subjects

NOTHING = Study(StudyTables(), AUDIT)


@pytest.mark.parametrize("make", [latex_table_1, latex_table_2])
def test_every_line_of_a_table_has_as_many_cells(make):
    for tabular in re.findall(r"\\begin\{tabular\}.*?\\end\{tabular\}", make(study()), re.DOTALL):
        width = len(re.search(r"\{(lr+)\}", tabular)[1])
        lines = [line for line in tabular.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
        assert len(lines) > 3
        assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {width - 1}


def test_table_2_has_the_numbers_and_marks_of_the_study():
    row = next(line for line in latex_table_2(study()).splitlines() if line.startswith("baseline"))
    own = study().tables.table2.set_index("strategy").loc["baseline"]

    assert f" {own['Weiß & mehr']:.2f}$^{{*}}$$^{{\\dagger}}$ [" in row
    assert f" {own['SD']:.2f} [" in row


def test_flat_tables_hold_every_cell_in_full():
    flat = flat_table_2(study()).set_index(["strategy", "column"])["value"]
    own = study().tables.table2.set_index("strategy")

    assert flat["even", "SER"] == own.loc["even", "SER"]
    assert len(flat) == len(MEANS) * (own.shape[1] - len(["SER_seed_sd"]))
    assert set(flat_table_1(study())["strategy"]) == set(MEANS)


def test_figures_are_svg_and_pdf():
    drawn = paper_figures(study())

    assert len(drawn) == 2 * len(FIGURES)
    for svg, pdf in zip(drawn[::2], drawn[1::2], strict=True):
        assert ET.fromstring(svg).tag.endswith("svg")
        assert pdf.startswith(b"%PDF")


def test_the_figures_of_a_pipeline_are_those_that_are_drawn():
    from faircmr.pipelines import reporting as pipeline

    assert pipeline.FIGURES == FIGURES


def test_a_study_without_tables_has_tables_figures_and_cards_that_say_so():
    assert latex_table_1(NOTHING).splitlines()[-1].startswith("%")
    assert latex_table_2(NOTHING).splitlines()[-1].startswith("%")
    assert flat_table_1(NOTHING).columns.tolist() == COLUMNS == flat_table_2(NOTHING).columns.tolist()
    assert len(paper_figures(NOTHING)) == 2 * len(FIGURES)
    assert ABSENT["groups"] in model_card(NOTHING, ReportParameters())
    assert ABSENT["demographics"] in datasheet(NOTHING, ReportParameters())


def test_cards_say_what_people_said_and_leave_open_what_nobody_did():
    report = ReportParameters(intended_use="Nothing but tests.", licence="None.")

    card, sheet = model_card(study(), report), datasheet(study(), report)

    assert "Nothing but tests." in card
    assert "Licence: None." in sheet
    assert card.count(TO_BE_SAID) == 1
    assert TO_BE_SAID in sheet
    assert "Nothing can be said of few: too few subjects." in card
    assert "| baseline | Weiß &amp; mehr | 24 | 94.60 \\[" in card


@pytest.mark.parametrize("write", [model_card, datasheet])
def test_cards_hold_no_id_and_tables_of_equal_width(write):
    text = write(study(), ReportParameters())

    assert [one for one in subjects()["subject_id"] if one in text] == []
    for block in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        assert len({line.count(" | ") for line in block.strip().splitlines()}) == 1


def test_table_1_of_a_strategy_without_intervals_has_plain_numbers():
    tables = study().tables
    bare = Study(StudyTables(table1=tables.table1, table2=tables.table2), AUDIT)

    assert "[" not in "".join(line for line in latex_table_1(bare).splitlines() if not line.startswith("%"))
    assert flat_table_1(bare)["marks"].eq("").all()
