"""Figures are the same bytes whenever they show the same."""

import matplotlib as mpl

from faircmr.reporting import new_figure, to_jpeg, to_pdf, to_svg
from faircmr.reporting.canvas import to_png


def drawn():
    figure = new_figure(2, 1)
    panel = figure.subplots()
    panel.plot([0, 1], [1, 0])
    panel.set_title("Groups")
    return figure


def test_equal_figures_give_equal_text_and_bytes():
    assert to_svg(drawn()) == to_svg(drawn())
    assert to_png(drawn()) == to_png(drawn())
    assert to_pdf(drawn()) == to_pdf(drawn())
    assert to_jpeg(drawn()) == to_jpeg(drawn())


def test_files_hold_no_date_and_no_name_of_a_program():
    svg = to_svg(drawn())

    assert "<dc:date>" not in svg
    assert "<dc:creator>" not in svg
    assert b"Software" not in to_png(drawn())
    assert b"CreationDate" not in to_pdf(drawn())


def test_drawing_leaves_the_settings_of_the_process_alone():
    before = dict(mpl.rcParams)

    to_svg(drawn())

    assert dict(mpl.rcParams) == before
