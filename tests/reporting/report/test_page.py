"""The report says what a study's tables say, says what is absent, and is a page that needs nothing but itself."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise

import pandas as pd
import pytest

from faircmr.fairness.audit import audit_strategies
from faircmr.reporting import Html, together
from faircmr.reporting.report import ABSENT, CasePictures, Study, StudyTables, sections, study_report, surface_errors
from faircmr.reporting.report import page as about
from faircmr.reporting.report import sections as errors
from faircmr.reporting.report import sections as fairness
from faircmr.reporting.report.cases import CasePicture
from faircmr.reporting.report.study import NAMES
from faircmr.reporting.report.words import TERMS
from tests.reporting.report.simulated import ATTRIBUTES, AUDIT, GROUPS, MEANS, scores, study, study_of, subjects

PICTURES = CasePictures(
    pictures=(CasePicture(strategy="baseline", caption="baseline, ED: best", jpeg=b64encode(b"jpeg").decode()),)
)
TITLE = "Is <it> fair?"
SECTIONS = [
    "summary",
    "left-out",
    "cohort",
    "strategies",
    "tables",
    "groups",
    "disparity",
    "changes",
    "surfaces",
    "clinical",
]
OTHERS = ["classifier", "examples", "reading", "provenance"]
VOID = {"meta", "img"}


class Outline(HTMLParser):
    """Elements in order, with what is open around them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attributes}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def report() -> str:
    return study_report(study(), PICTURES, TITLE)


def said(report: str) -> str:
    """What a reader sees, in one line."""
    shown = re.sub(r"<(style|script|title)>.*?</\1>", " ", report, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", shown)).split())


def section(report: str, name: str) -> str:
    return said(report.partition(f'id="{name}"')[2].partition("</section>")[0])


def test_every_element_is_closed_and_every_section_can_be_reached(report: str):
    outline = Outline(report)

    assert outline.open == []
    assert [one["id"] for one in outline.of("section")] == [*SECTIONS, *OTHERS]
    assert [one["href"] for one in outline.of("a")] == [f"#{name}" for name in [*SECTIONS, *OTHERS, "left-out"]]


def test_headings_go_down_by_one_level_at_most(report: str):
    levels = [int(tag[1]) for tag, _ in Outline(report).elements if re.fullmatch(r"h\d", tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_loads_nothing_and_permits_no_script_but_its_own(report: str):
    outline = Outline(report)
    script = re.search(r"<script>(.*?)</script>", report, re.DOTALL)[1]
    policy = next(one["content"] for one in outline.of("meta") if "http-equiv" in one)

    assert {one["src"].partition(";")[0] for one in outline.of("img")} == {"data:image/svg+xml", "data:image/jpeg"}
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in policy
    assert not re.search(r"(?:href|src)=\"(?!#|data:)", report)
    assert "fetch(" not in script
    assert "http" not in script


def test_every_picture_has_words_and_every_table_a_caption_and_heads(report: str):
    outline = Outline(report)

    assert all(len(one["alt"]) > 10 for one in outline.of("img"))
    assert len(outline.of("caption")) == len(outline.of("table"))
    assert all(one.get("scope") in {"col", "row", "rowgroup"} for one in outline.of("th"))


def test_names_of_groups_are_text_and_no_markup(report: str):
    assert "<b>Schwarz" not in report
    assert "&lt;b&gt;Schwarz&lt;/b&gt;" in report
    assert "Is &lt;it&gt; fair?" in report


def test_holds_no_id_of_a_subject(report: str):
    assert [one for one in subjects()["subject_id"] if one in report] == []


def test_is_the_same_for_the_same_study(report: str):
    assert study_report(study(), PICTURES, TITLE) == report


def test_table_2_has_every_strategy_with_interval_and_marks_and_controls_say_so(report: str):
    shown = section(report, "tables")
    mean = study().tables.table2.set_index("strategy").loc["baseline", "Weiß & mehr"]

    assert f" {mean:.2f} *†" in shown
    assert "matched control: size of the balanced cohort" in shown
    assert all(f"DSC of {name} (%)" in shown for name in MEANS)


def test_differences_are_shown_with_ages_held_equal_and_between_people_who_are_alike(report: str):
    assert "Differences with covariates held equal" in report
    assert "Pairs of people who are alike" in report


def test_the_summary_names_who_is_levelled_down_and_who_is_too_few(report: str):
    shown = section(report, "summary")

    assert re.search(r"even : Avg .* Levelling down: Weiß & mehr -3\.\d\d points", shown)
    assert "few: 3 scored subjects are too few (fewer than 8)" in shown
    assert "Weiß & mehr: with 24 scored subjects a difference of less than" in shown


def test_the_confusion_matrix_counts_each_true_group(report: str):
    shown = section(report, "classifier")

    assert "few 1 1 20 22 91 %" in shown
    assert "Training seed 0: right in 90 % of subjects (80 to 95)" in shown.replace("\N{NO-BREAK SPACE}", " ")


def test_heads_of_columns_explain_themselves(report: str):
    titles = [one["title"] for one in Outline(report).of("abbr")]

    assert f"SER: {TERMS['SER']}" in titles
    assert f"ED: {TERMS['ED']}. LVBP: {TERMS['LVBP']}" in titles


def test_a_study_without_any_table_says_so_in_every_section():
    bare = study_report(Study(StudyTables(), AUDIT), CasePictures(), TITLE)

    assert Outline(bare).open == []
    for words in ("demographics", "choices", "table1", "table2", "groups", "surface", "clinical", "classifier"):
        assert ABSENT[words] in said(bare)
    assert ABSENT["cases"] in section(bare, "examples")
    assert ABSENT["provenance"] in section(bare, "provenance")


@pytest.mark.parametrize("missing", [NAMES[::2], NAMES[1::2]])
def test_any_tables_may_be_missing(missing: tuple[str, ...]):
    whole = study()
    lacking = Study(replace(whole.tables, **{name: pd.DataFrame() for name in missing}), whole.audit)

    assert Outline(study_report(lacking, PICTURES, TITLE)).open == []


def shown(content: Iterable[Html]) -> str:
    return said(together(content))


def test_one_strategy_one_seed_and_one_structure_are_a_study():
    alone = study_of({"baseline": scores((0,), ("LVBP",), ("dsc",))["baseline"]})

    tables = shown(sections.tables(alone))

    assert ABSENT["seeds"] in tables
    assert "RVBP" not in tables
    assert ABSENT["changes"] in shown(fairness.changes(alone))
    assert ABSENT["surface"] in shown(errors.surfaces(alone))
    assert ABSENT["clinical"] in shown(errors.clinical(alone))


def test_groups_that_are_too_small_are_told_and_not_compared():
    tables = study().tables
    undivided = replace(tables, disparity=tables.disparity.iloc[:0], changes=tables.changes.iloc[:0])
    small = Study(undivided, AUDIT.model_copy(update={"min_group_size": 100}))

    assert shown(fairness.disparity(small)) == ABSENT["few_groups"]
    assert ABSENT["few_groups"] in shown(fairness.groups(small))
    assert ABSENT["few_groups"] in shown(fairness.summary(small))
    # three strategies were scored
    assert shown(fairness.changes(small)) == ABSENT["few_groups"]


def test_where_the_protected_groups_are_too_small_no_other_attribute_is_taken_for_the_protected_one():
    audited = AUDIT.model_copy(update={"min_group_size": 15, "draws": 400})

    found = audit_strategies(scores((0,)), subjects(), ATTRIBUTES.model_copy(update={"covariates": ()}), audited)

    assert set(found.disparity["attribute"]) == {"sex"}
    assert Study(replace(study().tables, groups=found.groups), audited).protected == "race"


def test_a_large_group_without_another_one_is_not_called_small():
    tables = study().tables
    alone = replace(tables, groups=tables.groups.assign(detectable=float("nan")))

    summary = shown(fairness.summary(Study(alone, AUDIT)))

    assert "few: 3 scored subjects are too few (fewer than 8)" in summary
    assert "Weiß & mehr: 24 scored subjects, and nothing to compare them with" in summary
    assert "24 scored subjects are too few" not in summary


def test_a_study_before_its_first_training_has_a_report():
    nothing = {name: table.iloc[:0] for name, table in scores((0,)).items()}

    assert surface_errors(nothing, subjects()).empty


def test_another_study_stands_beside_this_one_with_its_own_numbers():
    tables = study().tables
    other = tables.table2.assign(SD=9.87)
    beside = replace(tables, other_table2=other[other["strategy"] != "even"])

    both = shown(about.other_study(Study(beside, AUDIT)))

    own = tables.table2.set_index("strategy")
    assert f"baseline {own.loc['baseline', 'Avg']:.2f} [" in both
    assert both.count("9.87") == 2
    # the other study has not run it
    assert f"even {own.loc['even', 'Avg']:.2f}" in both


def test_without_another_study_there_is_no_section_for_it(report: str):
    assert "other-study" not in {one["id"] for one in Outline(report).of("section")}


def test_groups_of_the_study_are_all_named(report: str):
    assert all(group in section(report, "groups") for group in GROUPS)


def left_out(tables: StudyTables) -> str:
    """The section on omissions as a reader sees it."""
    content = together(sections.left_out(Study(tables, AUDIT)))
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", content)))


def test_the_summary_leads_to_what_was_left_out(report: str):
    summary = report[report.index("<h2>Summary") : report.index("<h2>What was left out")]

    assert '(4 kinds): <a href="#left-out">What was left out</a>' in summary


def test_every_omission_is_a_row_with_its_count_and_reason():
    text = left_out(study().tables)

    for row in (
        "3 of 42 archives left out no <contours>",
        "2 of 39 subjects without age not recorded",
        "4 of 78 predicted scans not scored no reference label",
        "5 of 78 test scans not predicted no prediction was made",
    ):
        assert row in text
    assert "0 of 78" not in text
    assert "was not recorded" not in text


@pytest.mark.parametrize("strategies", [["even"], ["even", "matched"]])
def test_a_strategy_of_which_nothing_was_recorded_is_named_and_not_called_complete(strategies: list[str]):
    table = study().tables.omissions
    known = table[~table["step"].isin([f"Strategy {name}" for name in strategies])]

    text = left_out(replace(study().tables, omissions=known))

    assert f"What {', '.join(strategies)} left out was not recorded" in text


def test_where_nothing_was_left_out_that_is_said():
    table = study().tables.omissions

    text = left_out(replace(study().tables, omissions=table.assign(count=0)))

    assert text.strip().startswith("Nothing was left out:")


def test_a_study_without_the_table_does_not_say_that_nothing_was_left_out():
    assert left_out(StudyTables()).strip() == ABSENT["omissions"]
