"""What is shown at the end of a run, also of one that had nothing to do."""

import pytest

from faircmr.running import session as summary
from tests.mini_study import MiniStudy


@pytest.fixture
def finished(study: MiniStudy, capsys: pytest.CaptureFixture[str]) -> MiniStudy:
    study.run()
    capsys.readouterr()
    return study


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_shows_tables_and_paths_when_there_was_nothing_to_do(
    finished: MiniStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    assert finished.run() == []

    text = shown(capsys)
    assert "Table 1: a" in text
    assert "12.00" in text
    assert "a.table1: data/table1_a.csv" in text
    assert "count: data/count.json" in text
    assert "doubled: " not in text


def test_shows_the_tables_of_the_pipelines_that_were_asked_for(
    finished: MiniStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    finished.run(pipeline_names=["first"])
    assert "Table 1" not in shown(capsys)

    finished.run(pipeline_names=["first", "last"], node_names=["count"])
    assert "Table 1: a" in shown(capsys)


def test_says_of_a_stale_table_that_it_is_and_shows_no_number_of_it(
    finished: MiniStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    finished.run({"doubling": {"factor": 3}}, node_names=["double"])

    text = shown(capsys)
    assert "a.table1 is of an earlier state of the study and not shown." in text
    assert "12.00" not in text


def test_shows_nothing_of_what_was_never_made(study: MiniStudy, capsys: pytest.CaptureFixture[str]) -> None:
    study.run(node_names=["count"])

    text = shown(capsys)
    assert "Table" not in text
    assert text.endswith("\n\ncount: data/count.json\n")


def test_of_many_results_pages_have_a_line_and_the_others_one_a_folder(
    finished: MiniStudy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "MOST_LINES", 1)
    study_page = "data/count.html"
    finished.replace("conf/base/catalog.yml", "/count.json", "/count.html")

    finished.run()

    assert shown(capsys).endswith(f"\n\ncount: {study_page}\ndata: 1 result\n")
