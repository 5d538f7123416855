"""Reading files: what spreadsheet programs write, and what nobody should send."""

import io
import zipfile
from datetime import date, datetime

import pytest

from loyalty.adjustments.files import read_lines
from loyalty.adjustments.rules.lines import BadLine, Line
from loyalty.kernel import sheets
from loyalty.kernel.sheets import UnreadableFile
from tests.factories.adjustments import csv_of, workbook_of

TODAY = date(2026, 3, 10)
LINES = [Line(2, phone="+8613800138000", points=100), Line(3, phone="+8613800138001", points=-5)]


def read(content: bytes, after: int = 0) -> list[Line]:
    return list(read_lines(io.BytesIO(content), today=TODAY, after=after))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_text_is_read_in_every_encoding_that_offices_use(encoding: str, delimiter: str, newline: str) -> None:
    rows = [("手机号", "积分"), ("13800138000", "100"), ("13800138001", "-5")]

    assert read(newline.join(delimiter.join(row) for row in rows).encode(encoding)) == LINES


def test_a_workbook_is_read_with_its_numbers_and_dates() -> None:
    content = workbook_of([(13800138000, 100, datetime(2026, 4, 30)), ("13800138001", "-5", None)])

    assert read(content) == [Line(2, phone="+8613800138000", points=100, expires_on=date(2026, 4, 30)), LINES[1]]


def test_a_formula_in_a_workbook_is_refused_and_not_calculated() -> None:
    assert read(workbook_of([(13800138000, "=50*2")])) == [Line(2, bad=BadLine.FORMULA)]


def test_a_file_may_do_without_a_heading_and_with_blank_lines() -> None:
    lines = read(b"13800138000,100\n\n,,\n13800138001,-5\n")

    assert [(line.number, line.points) for line in lines] == [(1, 100), (4, -5)]


def test_reading_goes_on_after_a_line() -> None:
    assert read(csv_of([("13800138000", 100), ("13800138001", -5)]), after=2) == LINES[1:]


def _zip(content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", content)
    return archive.getvalue()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe\xff", "encoding"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encoding"),
        (b"13800138000,1\x00\n", "encoding"),
        ("手机号,积分\n".encode(), "no_rows"),
        (b"\n\n", "no_rows"),
        (b"PK\x03\x04 and no more", "damaged"),
        (_zip(b"no workbook"), "damaged"),
        (b"13800138000," + b"9" * 200_000, "damaged"),
    ],
    ids=["picture", "old xls", "zero byte", "heading only", "blank", "broken zip", "other zip", "endless cell"],
)
def test_what_is_no_such_file_is_refused_as_a_whole(content: bytes, fault: str) -> None:
    with pytest.raises(UnreadableFile) as refusal:
        read(content)

    assert refusal.value.fault == fault


def test_a_workbook_that_unpacks_to_far_too_much_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sheets, "UNPACKED_BYTES_MAX", 1000)

    with pytest.raises(UnreadableFile) as refusal:
        read(_zip(bytes(100_000)))

    assert refusal.value.fault == "too_large_unpacked"


def test_more_lines_than_allowed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "ROWS_MAX", 2)

    with pytest.raises(UnreadableFile) as refusal:
        read(csv_of([(f"1380013800{number}", 1) for number in range(3)]))

    assert refusal.value.fault == "too_many_rows"
