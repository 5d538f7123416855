import json
from pathlib import Path

from benchmarks import report
from benchmarks.figures import Sample, share


def check_in(rate: float = 40.0):  # type: ignore[no-untyped-def]
    ours = [Sample(rate, 40, errors=2, p50_ms=1.25, p99_ms=250.4, python_us=700.0)]
    return share("check-in", ours, [Sample(100.0, 100)], good=0.3, goal=0.45)


def test_the_table_shows_ratio_spread_goal_and_errors() -> None:
    heading, line = report.table([check_in()]).splitlines()

    assert heading.split()[0] == "row"
    assert line.split()[:11] == [
        "check-in",
        "40",
        "100",
        "0.40",
        "0.40–0.40",
        "≥0.3,",
        "≥0.45",
        "good",
        "1.2",
        "250",
        "2",
    ]


def test_the_file_is_a_list_of_rows(tmp_path: Path) -> None:
    report.write([check_in()], tmp_path / "bench" / "latest.json")

    (row,) = json.loads((tmp_path / "bench" / "latest.json").read_text())
    assert row == {
        "name": "check-in", "ours": 40.0, "limit": 100.0, "ratio": 0.4, "lowest": 0.4, "highest": 0.4,
        "good": 0.3, "goal": 0.45, "better": "more", "errors": 2, "verdict": "good",
        "p50": 1.25, "p99": 250.4, "python_us": 700.0,
    }  # fmt: skip


def test_a_row_measured_alone_replaces_its_like_and_keeps_the_others(tmp_path: Path) -> None:
    file = tmp_path / "latest.json"
    report.write([check_in(), share("home", [Sample(1, 1)], [Sample(2, 2)])], file)
    report.write([check_in(50.0)], file)

    assert {row["name"]: row["ratio"] for row in json.loads(file.read_text())} == {"home": 0.5, "check-in": 0.5}


def test_a_damaged_file_is_written_anew(tmp_path: Path) -> None:
    file = tmp_path / "latest.json"
    file.write_text("{half")
    report.write([check_in()], file)

    assert len(json.loads(file.read_text())) == 1
