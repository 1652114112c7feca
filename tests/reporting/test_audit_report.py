"""The report of an audit says what its tables say, in the words that are permitted, on a page that needs nothing."""

import math
import re
from base64 import b64decode
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from faircmr.core import Omission
from faircmr.fairness.audit import Audit, AuditParameters, audit
from faircmr.reporting import (
    LEVELLING_DOWN,
    Html,
    adjusted_rows,
    audit_report,
    decimal,
    element,
    interval,
    table,
    together,
    with_reading,
)
from faircmr.reporting.audit_tables import p_value

SCRIPT = "<script>alert('x')</script>"
SIZES = {"Weiß": 60, "Schwarz & mehr": 30, SCRIPT: 30, "few": 3}
PARAMETERS = AuditParameters(attributes=("race", "sex"), draws=500)
VOID = {"meta", "img"}


def tables(models: dict[str, dict[str, float]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of models by the mean of each group, and demographics."""
    rng = np.random.default_rng(0)
    race = np.repeat(list(SIZES), list(SIZES.values()))
    subjects = [f"secret-{number:03d}" for number in range(len(race))]
    noise = rng.normal(0, 0.005, len(race))
    scores = [
        pd.DataFrame({"model": model, "subject_id": subjects, "dsc": [means[group] for group in race] + noise})
        for model, means in models.items()
    ]
    sex = rng.permuted(np.resize(["F", "M"], len(race)))
    return pd.concat(scores), pd.DataFrame({"subject_id": subjects, "race": race, "sex": sex})


@pytest.fixture(scope="module")
def found() -> Audit:
    uneven = dict(zip(SIZES, (0.93, 0.86, 0.88, 0.9), strict=True))
    return audit(*tables({"baseline": uneven, "<b>even</b>": dict.fromkeys(SIZES, 0.87)}), PARAMETERS)


@pytest.fixture(scope="module")
def report(found: Audit) -> str:
    return audit_report(found, PARAMETERS, f"Größe {SCRIPT}")


@pytest.fixture(scope="module")
def alone() -> str:
    one = audit(*tables({"mine": dict.fromkeys(SIZES, 0.9)}), PARAMETERS)
    return audit_report(one, PARAMETERS, "One model")


class Reader(HTMLParser):
    """Checks that every element ends where it must, and keeps what is seen."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.starts: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.starts.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.starts if name == tag]


def seen(text: str) -> str:
    """What a reader sees, in one line."""
    body = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def by_race(text: str) -> str:
    """The section of the protected attribute."""
    return seen(text[text.index("<h2>By race") : text.index("<h2>By sex")])


def test_is_one_well_formed_page_that_loads_and_runs_nothing(report: str):
    page = Reader(report)

    assert not page.open
    assert not page.of("script")
    assert not page.of("link")
    assert {str(image["src"]).partition(",")[0] for image in page.of("img")} == {"data:image/svg+xml;base64"}
    assert {link["href"] for link in page.of("a")} == {"#how-to-read"}
    assert not re.search(r"url\(|@import|https?:", report)


def test_names_are_escaped_and_shown_as_they_are_spelt(report: str):
    assert not {"script", "b"} & {tag for tag, _ in Reader(report).starts}
    for name in (f"Größe {SCRIPT}", "Weiß", "Schwarz & mehr", f"{SCRIPT}: ", "<b>even</b>"):
        assert name in seen(report) or name in unescape(report)


def test_figures_are_documents_that_can_be_read(report: str):
    sources = [str(image["src"]).partition(",")[2] for image in Reader(report).of("img")]

    # a forest for each of race, sex and both together; the trade-off of the protected attribute
    assert len(sources) == 4
    assert {ET.fromstring(b64decode(source)).tag for source in sources} == {"{http://www.w3.org/2000/svg}svg"}
    assert all(image["alt"] for image in Reader(report).of("img"))


def test_names_no_subject(report: str):
    assert "secret" not in report


def test_every_table_has_a_caption_and_every_head_says_what_it_heads(report: str):
    page = Reader(report)

    # what is said of how many; then disparity, groups, sizes of differences and changes by race, sex and both
    assert len(page.of("table")) == len(page.of("caption")) == 1 + 3 * 4
    assert {head["scope"] for head in page.of("th")} == {"col", "row", "rowgroup"}


def test_the_protected_attribute_comes_first_and_pairs_last_and_folded(found: Audit):
    shuffled = replace(found, groups=found.groups.iloc[::-1], disparity=found.disparity.iloc[::-1])

    headings = re.findall(r"<(h2|summary)[^>]*>(.*?)</", audit_report(shuffled, PARAMETERS, "Title"))

    assert headings == [("h2", "By race"), ("h2", "By sex"), ("summary", "By race x sex"), ("h2", "How to read")]


def test_pairs_are_known_without_declared_attributes(found: Audit):
    undeclared = audit_report(found, PARAMETERS.model_copy(update={"attributes": ()}), "Title")

    assert "<summary>By race x sex</summary>" in undeclared


def test_says_what_was_asked_and_what_has_to_be_said_beside_it(found: Audit, report: str):
    text = seen(report)

    for asked in ("DSC", "less than 1 point", "0.05", "8 subjects", "500 each", "seed 0"):
        assert asked in text
    assert "conditional on these trained models (baseline, <b>even</b>)" in unescape(report)
    assert found.notes
    assert all(note in unescape(report) for note in found.notes)


def test_says_that_nothing_was_left_out_where_nothing_was(found: Audit, report: str):
    assert found.omissions == ()
    assert "Nothing was left out: every scored subject is in the demographics" in seen(report)


def test_says_what_was_left_out_how_much_and_why_before_the_questions(found: Audit):
    omissions = (
        Omission("references", 4, 28, "no prediction of the same <name>", outcome="not scored"),
        Omission("scored subjects", 2, 24, "sex is not recorded", outcome="left out of the comparison by sex"),
    )
    unscored = pd.DataFrame(
        {
            "attribute": "race",
            "group": ["Weiß", SCRIPT],
            "subjects": [63, 30],
            "unscored": [3, 0],
            "percent": [4.76, 0.0],
        }
    )

    page = audit_report(replace(found, omissions=omissions, unscored=unscored), PARAMETERS, "Audit")

    section = seen(page[page.index("What was left out") : page.index("Questions, declared")])
    assert "4 of 28 references not scored no prediction of the same <name>" in section
    assert "2 of 24 scored subjects left out of the comparison by sex sex is not recorded" in section
    assert "by race Weiß 3 of 63 4.8 %" in section
    assert "a missing prediction is a failure" in section
    assert "Nothing was left out" not in section


def test_says_which_groups_differ_by_how_much_and_how_sure_that_is(found: Audit, report: str):
    row = found.groups.query("model == 'baseline' and attribute == 'race' and group == 'Weiß'").iloc[0]

    assert row["verdict"] == "different"
    ends = f"({row['low']:.1f} to {row['high']:.1f})"
    said = f"Weiß: {row['difference']:.2f} points above all others; mean {row['mean']:.1f} % {ends}; p (Holm) "
    assert said + p_value(row["p_holm"]).replace("\xa0", " ") in seen(report)


def test_says_what_is_equivalent_and_what_is_too_small_to_say(report: str):
    apart = r"Schwarz & mehr: 0\.\d\d points (below|above) all others; mean 8[67]\.\d % \([^)]*\)"

    assert re.search(rf"{apart}; equivalence p \(Holm\) (< )?0\.0", by_race(report))
    assert "few: n = 3, fewer than 8" in by_race(report)


def test_evidence_that_is_missing_names_the_smallest_difference_that_could_be_found():
    few = AuditParameters(attributes=("race",), draws=500, margin=0.0001)
    one = audit(*tables({"mine": dict.fromkeys(SIZES, 0.9)}), few)
    missing = one.groups[(one.groups["verdict"] == "insufficient evidence") & one.groups["p"].notna()]

    text = seen(audit_report(one, few, "One model"))

    assert len(missing)
    assert all(f"smallest detectable difference {value:.2f} points" in text for value in missing["detectable"])


def test_nothing_is_called_fair_for_a_difference_that_was_not_found(alone: str):
    without = seen(alone).replace("does not mean fair", "").replace("never means fair", "")

    assert not re.search(r"\b(un)?fair\b|significant", without)
    assert "does not mean fair" in seen(alone)


def test_one_model_has_neither_changes_nor_a_trade_off(alone: str):
    page = Reader(alone)

    assert len(page.of("img")) == 3
    assert "Change since" not in alone


def test_evenness_that_was_bought_with_a_loss_is_levelling_down(report: str):
    text = by_race(report)

    # 93 % have become 87 %
    assert re.search(rf"{LEVELLING_DOWN} since the baseline, while SD fell .*?Weiß: -[56]\.\d\d points \(-", text)
    assert f"lower: {LEVELLING_DOWN}" in text


def test_a_loss_that_made_nothing_even_is_no_levelling_down():
    changes = pd.DataFrame(
        {
            "model": ["even", "even", "even", "uneven"],
            "low": [-2.0, 0.5, -1.0, -2.0],
            "high": [-1.0, 2.0, 1.0, -1.0],
        }
    )
    disparity = pd.DataFrame({"model": ["base", "even", "uneven"], "SD": [1.0, 0.5, 2.0]})

    assert with_reading(changes, disparity, "base")["reading"].tolist() == [
        "lower: levelling down",
        "higher",
        "insufficient evidence",
        "lower",
    ]
    # a baseline without groups by this attribute has no SD to fall from
    assert with_reading(changes, disparity, "other")["reading"].tolist()[0] == "lower"


def test_the_trade_off_is_not_drawn_of_another_metric_than_its_axes_name(found: Audit):
    other = audit_report(found, PARAMETERS.model_copy(update={"metric": "iou"}), "Other")

    assert len(Reader(other).of("img")) == 3
    assert "mean iou" in seen(other)


def test_the_same_audit_gives_the_same_page(found: Audit, report: str):
    assert audit_report(found, PARAMETERS, f"Größe {SCRIPT}") == report


@pytest.mark.parametrize(
    ("value", "text"),
    [(93.456, "93.46"), (-0.5, "-0.50"), (-0.001, "0.00"), (math.nan, "-"), (math.inf, "∞"), (-math.inf, "-∞")],
)
def test_numbers_have_two_decimals_and_words_for_what_is_none(value: float, text: str):
    assert decimal(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.0004, "<\xa00.001"), (0.001, "0.001"), (1.0, "1.000"), (math.nan, "-")])
def test_small_p_values_are_below_a_thousandth(value: float, text: str):
    assert p_value(value) == text


def test_an_interval_has_both_ends_or_is_not_there():
    assert interval(1.0, math.inf) == "1.00\xa0to\xa0∞"
    assert interval(math.nan, math.nan) == ""


def test_what_is_no_markup_is_escaped_and_markup_is_not():
    assert element("p", "a < b", element("b", "&"), title='"') == '<p title="&quot;">a &lt; b<b>&amp;</b></p>'
    assert together(["<", Html("<br>")]) == "&lt;<br>"
    # text that was made of markup is not trusted any more
    assert together([Html("<br>") + "<i>"]) == "&lt;br&gt;&lt;i&gt;"


def test_rows_stand_below_their_heading():
    text = table("Any", ["group", "n"], {"one": [["A", "1"]], "": [["B", "2"]]})

    assert '<tr><th scope="rowgroup" colspan="2">one</th></tr><tr><th scope="row">A</th><td>1</td></tr>' in text
    assert text.count("rowgroup") == 1


class TestAdjusted:
    ROWS = pd.DataFrame(
        [
            ("even", "none", "A", 20, -1.5, -2.0, -1.0, 0.0004, 0.01, 0.0008),
            ("even", "none", "<B>", 12, 0.5, math.nan, math.nan, math.nan, 0.01, math.nan),
            ("even", "confounders", "A", 20, -0.25, -1.0, 0.5, 0.4, 0.3, 0.8),
            ("even", "confounders", "<B>", 12, 0.001, -math.inf, math.inf, 0.9, 0.3, 1.0),
            ("base", "none", "A", 20, 0.0, -1.0, 1.0, 1.0, 1.0, 1.0),
        ],
        columns=["model", "adjustment", "group", "n", "difference", "low", "high", "p", "p_all_groups", "p_holm"],
    )

    def cells(self, page: str) -> list[list[str]]:
        rows = re.findall(r"<tr>(.*?)</tr>", page)
        return [[unescape(cell).replace("\xa0", " ") for cell in re.findall(r">([^<]*)</t[hd]>", row)] for row in rows]

    def test_what_a_difference_was_stands_above_what_is_left_of_it(self):
        _, *rows = self.cells(adjusted_rows(self.ROWS))

        assert [row[:2] for row in rows] == [
            ["even"],
            ["A", "none"],
            ["A", "confounders"],
            ["<B>", "none"],
            ["<B>", "confounders"],
            ["base"],
            ["A", "none"],
        ]

    def test_numbers_stand_below_what_they_are(self):
        head, _, was, left, unknown, unbounded, *_ = self.cells(adjusted_rows(self.ROWS))

        heads = ["group", "adjusted for", "n", "difference from all others [interval] (points)"]
        assert head == [*heads, "p", "p, Holm", "p, all groups"]
        assert was[2:] == ["20", "-1.50 [-2.00 to -1.00]", "< 0.001", "< 0.001", "0.010"]
        assert left[2:] == ["20", "-0.25 [-1.00 to 0.50]", "0.400", "0.800", "0.300"]
        assert unknown[2:] == ["12", "0.50", "-", "-", "0.010"]
        assert unbounded[3] == "0.00 [-∞ to ∞]"

    def test_a_page_has_it_by_each_attribute_where_something_is_held_equal(self):
        scores, demographics = tables({"mine": dict.fromkeys(SIZES, 0.9)})
        asked = PARAMETERS.model_copy(update={"covariates": ("age",)})
        aged = demographics.assign(age=np.random.default_rng(1).normal(60, 8, len(demographics)))

        text = audit_report(audit(scores, aged, asked), asked, "Held equal")

        page = Reader(text)
        assert not page.open
        assert len(page.of("table")) == len(page.of("caption")) == 1 + 3 * 3 + 2 * 2
        assert text.count("<caption>Differences with covariates held equal") == 2
        assert "Differences with covariates held equal" in by_race(text)
        assert "Pairs of people who are alike" in by_race(text)
        assert "Held equal age" in seen(text)

    def test_a_page_has_none_where_nothing_is(self, report: str):
        assert "covariates held equal" not in report
        assert "Pairs of people" not in report
