"""HTML elements and self-contained pages, and the section on omissions."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape

import pandas as pd

from faircmr.core import Omission, visible_text

STYLE = """
:root { color-scheme: light; }
body { max-width: 80rem; margin: 0 auto; padding: 1rem; background: #fff; color: #222;
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.8rem; line-height: 1.25; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; margin: 2.2rem 0 .6rem; padding-top: .6rem; border-top: 2px solid #222; }
h3 { font-size: 1.05rem; margin: 1.3rem 0 .3rem; overflow-wrap: anywhere; }
p, li { max-width: 58rem; overflow-wrap: anywhere; }
ul { margin: .3rem 0; padding-left: 1.3rem; }
a { color: #00558a; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .6rem 0; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: 1rem 0; }
.scroll:focus-visible { outline: 2px solid #00558a; }
table { border-collapse: collapse; font-size: .82rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
th, td { padding: .25rem .45rem; text-align: right; vertical-align: top; border-bottom: 1px solid #ddd; }
thead th { vertical-align: bottom; border-bottom: 2px solid #222; }
th:first-child, th:last-child, td:last-child { text-align: left; }
td:last-child { min-width: 8rem; }
tbody th { font-weight: 400; min-width: 5rem; }
th[scope=rowgroup] { font-weight: 600; background: #f2f2f2; }
table.words th, table.words td { text-align: left; }
table.words td { min-width: 9rem; }
table.narrow td { min-width: 5rem; overflow-wrap: anywhere; }
strong.alarm { color: #9c2a00; }
figure { margin: 1rem 0; }
figure div { overflow-x: auto; }
figure img { width: 100%; max-width: 46rem; min-width: 36rem; height: auto; }
figcaption { font-size: .9rem; max-width: 52rem; }
summary { cursor: pointer; font-size: 1.2rem; font-weight: 600; margin-top: 2rem; padding: .5rem 0;
  border-top: 2px solid #222; }
@media (max-width: 36rem) { body { padding: .6rem; } dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .4rem; } }
@media print { @page { size: A4; margin: 12mm; } html { font-size: 9.5pt; } body { max-width: none; padding: 0; }
  .scroll, figure div { overflow: visible; } table { font-size: 6.3pt; } th, td { padding: .12rem .22rem; }
  tbody th, td:last-child { min-width: 0; } figure, tr { break-inside: avoid; }
  tr:has([scope=rowgroup]) { break-after: avoid; } h2, h3, caption { break-after: avoid; }
  figure img { min-width: 0; max-height: 235mm; width: auto; max-width: 100%; }
  details::details-content { content-visibility: visible; } }
"""
# even a name that slipped through unescaped could neither run nor load anything
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Html(str):
    """Text that is markup already. All that is made of it by the methods of ``str`` is plain text again."""

    __slots__ = ()


def together(parts: Iterable[str]) -> Html:
    """Parts one after the other; those that are no :class:`Html` are escaped."""
    return Html("".join(part if isinstance(part, Html) else _escaped(part) for part in parts))


def element(tag: str, *content: str, **attributes: str) -> Html:
    """One element.

    Args:
        tag: Its name.
        content: What stands in it; escaped, unless it is :class:`Html`.
        attributes: Escaped. An underscore at the end of a name is dropped (``class_``), others become hyphens.
    """
    named = "".join(f' {name.rstrip("_").replace("_", "-")}="{_escaped(value)}"' for name, value in attributes.items())
    return Html(f"<{tag}{named}>{together(content)}</{tag}>")


def table(
    caption: str, columns: Sequence[str], bodies: Mapping[str, Sequence[Sequence[str]]], class_: str = "numbers"
) -> Html:
    """A table that scrolls by itself where the page is narrow.

    Args:
        caption: What it shows.
        columns: Heads of the columns.
        bodies: Rows, by the heading that stands above them; an empty one is left out. The first cell heads its row.
        class_: ``numbers``, where all columns but the first and last are numbers, ``words``, or ``words narrow``, which
            fits a telephone.
    """
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in columns)))
    parts = [element("caption", caption), head, *(_body(name, rows, len(columns)) for name, rows in bodies.items())]
    return element(
        "div", element("table", *parts, class_=class_), class_="scroll", role="region", tabindex="0", aria_label=caption
    )


def _body(name: str, rows: Sequence[Sequence[str]], width: int) -> Html:
    heading = [element("tr", element("th", name, scope="rowgroup", colspan=str(width)))] if name else []
    lines = [
        element("tr", element("th", first, scope="row"), *(element("td", cell) for cell in rest))
        for first, *rest in rows
    ]
    return element("tbody", *heading, *lines)


def figure(svg: str, caption: str) -> Html:
    """A drawing within the page, and what it shows.

    Args:
        svg: A document of its own, so that its ids meet no others.
        caption: Below it, and read aloud instead of it.
    """
    return picture_of(svg.encode(), "image/svg+xml", caption)


def picture_of(content: bytes, kind: str, caption: str) -> Html:
    """A picture within the page, and what it shows.

    Args:
        content: Bytes of the picture.
        kind: Its media type, e.g. ``image/jpeg``.
        caption: Below it, and read aloud instead of it.
    """
    source = f"data:{kind};base64,{b64encode(content).decode()}"
    picture = Html(f'<img alt="{_escaped(caption)}" src="{source}">')
    return element("figure", element("div", picture, tabindex="0"), element("figcaption", caption))


def page(title: str, body: Iterable[str], style: str = "", script: str = "") -> Html:
    """A whole document without anything to load.

    Args:
        title: Its name in the window's frame.
        body: All that it shows.
        style: CSS rules in addition to those of every page.
        script: The only one that the page permits to run, at its end; none if empty.
    """
    policy = f"{POLICY}; script-src '{_digest(script)}'" if script else POLICY
    head = element(
        "head",
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        element("title", title),
        Html(f"<style>{STYLE}{style}</style>"),
    )
    run = [Html(f"<script>{script}</script>")] if script else []
    return Html(f"<!DOCTYPE html>\n{element('html', head, element('body', element('main', *body), *run), lang='en')}\n")


def _escaped(text: str) -> str:
    return escape(visible_text(text))


def _digest(script: str) -> str:
    return f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}"


HEADING = "What was left out"
CAPTION = "Left out, or treated differently from the rest"
COLUMNS = ("how many", "are", "because")
WORDS = "words narrow"


def omission_rows(
    by_step: Mapping[str, Iterable[Omission]], further: Mapping[str, Callable[[Omission], str]] | None = None
) -> Html:
    """A table of omissions, one row each.

    Args:
        by_step: Omissions by the step that heads their rows; an empty name heads none.
        further: Cells of further columns, by the head of the column.
    """
    cells = further or {}
    bodies = {
        step: [[one.counted, one.outcome, one.reason, *(cell(one) for cell in cells.values())] for one in some]
        for step, some in by_step.items()
    }
    return table(CAPTION, [*COLUMNS, *cells], {step: rows for step, rows in bodies.items() if rows}, WORDS)


def omission_section(by_step: Mapping[str, Iterable[Omission]], nothing: str) -> Iterator[Html]:
    """The table, or one sentence where nothing was left out.

    Args:
        by_step: Same as for :func:`omission_rows`.
        nothing: The sentence.
    """
    found = {step: list(some) for step, some in by_step.items()}
    yield omission_rows(found) if any(found.values()) else element("p", nothing)


def unscored_rows(unscored: pd.DataFrame) -> Html:
    """Subjects without a score by group.

    Args:
        unscored: Of :attr:`faircmr.fairness.audit.Audit.unscored`; has rows.
    """
    bodies: dict[str, list[list[str]]] = {}
    for row in unscored.itertuples(index=False):
        cells = [str(row.group), f"{row.unscored} of {row.subjects}", f"{row.percent:.1f} %"]
        bodies.setdefault(f"by {row.attribute}", []).append(cells)
    return table("Subjects of the demographics without a score", ["group", "without a score", "share"], bodies, WORDS)
