"""UK Biobank tables as text: three people who do not exist, every field named, in each form of header."""

from __future__ import annotations

from pathlib import Path

# (field, instance) of every column, and one row a person in the same order
COLUMNS = (
    ("31", "0"), ("21000", "0"), ("21000", "1"), ("21000", "2"), ("21003", "0"), ("21003", "2"), ("21003", "3"),
    ("21001", "0"), ("21001", "2"), ("50", "0"), ("50", "2"), ("12144", "2"), ("21002", "0"), ("21002", "2"),
    ("12143", "2"), ("54", "0"), ("54", "2"),
)  # fmt: skip
PEOPLE = {
    "7000011": (
        "0", "1001", "", "1001", "52", "61", "66", "24.5", "25.5", "165", "164", "163", "66.7", "68.6", "69",
        "11010", "11025",
    ),
    "7000012": (
        "1", "4001", "4", "-3", "47", "", "", "", "", "180", "", "", "81", "", "", "11012", "",
    ),
    "7000013": (
        "1", "-1", "", "-3", "58", "", "70", "", "", "", "", "175", "", "", "70", "", "11027",
    ),
}  # fmt: skip
HEADERS = {
    "tab": lambda field, visit: f"f.{field}.{visit}.0",
    "csv": lambda field, visit: f"{field}-{visit}.0",
    "rap": lambda field, visit: f"p{field}" + ("" if field == "31" else f"_i{visit}"),
    "participant": lambda field, visit: f"participant.p{field}" + ("" if field == "31" else f"_i{visit}_a0"),
}
IDS = {"tab": "f.eid", "csv": "eid", "rap": "eid", "participant": "participant.eid"}


def table_text(form: str, separator: str = ",") -> str:
    header = [IDS[form], *(HEADERS[form](*column) for column in COLUMNS)]
    rows = [[person, *cells] for person, cells in PEOPLE.items()]
    if form == "tab":
        rows = [[cell or "NA" for cell in row] for row in rows]
    return "".join(separator.join(row) + "\n" for row in [header, *rows])


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding, newline="")
    return path
