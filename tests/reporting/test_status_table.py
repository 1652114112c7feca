"""Every fit has a row that says where it stands."""

from datetime import UTC, datetime

from faircmr.reporting import FitRow, render_status

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def lines(*rows: FitRow) -> list[str]:
    return render_status(rows, NOW, 120.0).splitlines()


def test_a_fit_under_way_says_how_far_it_is_how_well_it_does_and_who_runs_it():
    row = FitRow(
        strategy="baseline",
        fit="seed-0/shared",
        state="running",
        epoch=3,
        epochs=10,
        seconds_left=3725.4,
        validated=2,
        dsc={"A": 0.81234, "B": 0.5},
        everybody=0.7,
        by="pid 12 on node-7",
    )

    printed = lines(row)

    header = next(line for line in printed if "epoch" in line)
    assert header.split() == ["epoch", "left", "validated", "all", "A", "B", "by"]
    line = next(line for line in printed if "seed-0/shared" in line)
    assert line.split() == (
        ["baseline", "seed-0/shared", "running", "3", "of", "10", "1:02:05", "2", "70.00", "81.23", "50.00"]
        + ["pid", "12", "on", "node-7"]
    )


def test_what_is_not_known_is_a_dash_and_no_time_is_below_zero():
    printed = lines(
        FitRow("baseline", "seed-0/shared", "stopped", None, 10),
        FitRow("baseline", "seed-1/shared", "running", 9, 10, -4.0),
    )

    assert next(line for line in printed if "seed-0" in line).split()[2:] == [
        "stopped",
        "-",
        "of",
        "10",
        "-",
        "-",
        "-",
        "-",
    ]
    assert "0:00:00" in next(line for line in printed if "seed-1" in line)


def test_counts_fits_by_what_they_do_and_says_as_of_when():
    rows = [FitRow("baseline", f"seed-{seed}/shared", state, 0, 1) for seed, state in enumerate(("a", "b", "a"))]

    text = "\n".join(lines(*rows))

    assert "3 fits, 2 a, 1 b. As of 2026-01-02 03:04:05 +0000, from files alone." in text
    assert text.count("baseline") == 1, "a strategy is named once"


def test_a_study_without_fits_is_told_as_such():
    assert any(line.startswith("0 fits. As of") for line in lines())
