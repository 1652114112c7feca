"""Figures as bytes and text that are equal whenever their data are: no screen, no date, no global state."""

from __future__ import annotations

import io

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
VERMILLION, SKY_BLUE, YELLOW = "#D55E00", "#56B4E9", "#F0E442"
"""Okabe and Ito's palette, told apart under every common form of colour blindness."""
INK, PALE_INK = "#222222", "#6B6B6B"


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


def to_svg(figure: Figure) -> str:
    """Text of the figure as SVG, the same for the same figure; letters are drawn as paths."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "faircmr"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def to_pdf(figure: Figure) -> bytes:
    """Bytes of the figure as PDF, the same for the same figure; letters stay letters."""
    buffer = io.BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42}):
        figure.savefig(buffer, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return buffer.getvalue()


def to_jpeg(figure: Figure, dots_per_inch: int = 110) -> bytes:
    """Bytes of the figure as JPEG, the same for the same figure: photographs take a tenth of what a PNG takes."""
    buffer = io.BytesIO()
    # thin coloured lines would fade with colours at half the resolution
    options = {"quality": 82, "subsampling": 0, "optimize": True}
    figure.savefig(buffer, format="jpeg", dpi=dots_per_inch, pil_kwargs=options)
    return buffer.getvalue()


def to_png(figure: Figure, dots_per_inch: int = 150) -> bytes:
    """Bytes of the figure as PNG, the same for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return buffer.getvalue()
