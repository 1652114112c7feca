"""Figures as bytes and text that are equal whenever their data are: no screen, no date, no global state.

No text of a figure is parsed as mathematics: a group may be called ``$10k-$20k``.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from textwrap import fill
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text

from faircmr.core import character_code, visible_text

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
VERMILLION, SKY_BLUE, YELLOW = "#D55E00", "#56B4E9", "#F0E442"
"""Okabe and Ito's palette, told apart under every common form of colour blindness."""
INK, PALE_INK = "#222222", "#6B6B6B"
WEIGHTS = ("normal", "bold")
"""Of the letters of names."""
ROOM_OF_LINE = 0.7
"""Height of a line of a name, in rows that have names of one line."""


def new_figure(width: float, height: float) -> Figure:
    """Empty figure that belongs to no pyplot session.

    Args:
        width: Inches.
        height: Inches.

    Returns:
        The figure, laid out so that labels never overlap.
    """
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def drawn_name(name: str, line: int | None = None) -> str:
    """A name as a figure can draw it.

    Args:
        name: As it is shown elsewhere (:mod:`faircmr.core.display_names`).
        line: Characters after which it is broken; never, if ``None``.

    Returns:
        The name, with codes such as ``<U+4E2D>`` for what the font cannot draw.
    """
    text = "".join(sign if _can_draw(sign) else character_code(sign) for sign in visible_text(name))
    return text if line is None else fill(text, line)


def name_rows(panel: Axes, names: Sequence[str], line: int) -> None:
    """Label rows 0, 1, ... of the vertical axis with names that are broken after so many characters."""
    labels = [drawn_name(name, line) for name in names]
    panel.set_yticks(range(len(names)), labels=labels, parse_math=False)


def name_heights(names: Sequence[str], line: int) -> float:
    """Height of rows whose names are broken after so many characters, in rows that have names of one line."""
    lines = max((drawn_name(name, line).count("\n") + 1 for name in names), default=1)
    return len(names) * max(1.0, ROOM_OF_LINE * lines)


@lru_cache(maxsize=4096)
def _can_draw(sign: str) -> bool:
    fonts = (findfont(FontProperties(weight=weight)) for weight in WEIGHTS)
    return sign == "\n" or all(get_font(font).get_char_index(ord(sign)) for font in fonts)


def _save(figure: Figure, buffer: io.StringIO | io.BytesIO, **options: Any) -> None:
    """The only way out of this module, so that no text is parsed as mathematics whoever has drawn it."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    figure.savefig(buffer, **options)


def to_svg(figure: Figure) -> str:
    """Text of the figure as SVG, the same for the same figure; letters are drawn as paths."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "faircmr"}):
        _save(figure, buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def to_pdf(figure: Figure) -> bytes:
    """Bytes of the figure as PDF, the same for the same figure; letters stay letters."""
    buffer = io.BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42}):
        _save(figure, buffer, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return buffer.getvalue()


def to_jpeg(figure: Figure, dots_per_inch: int = 110) -> bytes:
    """Bytes of the figure as JPEG, the same for the same figure: photographs take a tenth of what a PNG takes."""
    buffer = io.BytesIO()
    # thin coloured lines would fade with colours at half the resolution
    options = {"quality": 82, "subsampling": 0, "optimize": True}
    _save(figure, buffer, format="jpeg", dpi=dots_per_inch, pil_kwargs=options)
    return buffer.getvalue()


def to_png(figure: Figure, dots_per_inch: int = 150) -> bytes:
    """Bytes of the figure as PNG, the same for the same figure."""
    buffer = io.BytesIO()
    _save(figure, buffer, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return buffer.getvalue()
