"""What a line of a file says, and why it is refused."""

from datetime import date, datetime

import pytest

from loyalty.adjustments.rules.lines import WITHOUT_HEADING, BadLine, Column, Line, columns_of, line_of
from loyalty.kernel.sheets import Cell, is_blank

TODAY = date(2026, 3, 10)


def read(*cells: Cell) -> Line:
    return line_of(7, cells, columns=WITHOUT_HEADING, today=TODAY)


@pytest.mark.parametrize(
    "who",
    [
        "13800138000",
        "+8613800138000",
        "+86 138 0013 8000",
        "0086-138-0013-8000",
        " 138 0013 8000 ",
        "１３８００１３８０００",
        "\u202d13800138000\u202c",
        "'13800138000",
        13800138000,
        13800138000.0,
    ],
)
def test_a_phone_is_understood_however_it_is_written(who: Cell) -> None:
    assert read(who, 100) == Line(7, phone="+8613800138000", points=100)


def test_a_member_number_and_a_phone_of_hong_kong_are_understood() -> None:
    assert read("0000000000", 5).member_number == "0000000000"
    assert read("+852 5123 4567", 5).phone == "+85251234567"


@pytest.mark.parametrize(
    ("points", "read_as"),
    [("100", 100), ("+100", 100), ("-50", -50), ("1,000", 1000), ("１００", 100), (100.0, 100), ("−5", -5)],
)
def test_points_are_whole_numbers(points: Cell, read_as: int) -> None:
    assert read("13800138000", points).points == read_as


@pytest.mark.parametrize(
    "day",
    [
        "2026-04-30",
        "2026/4/30",
        "2026.4.30",
        "2026年4月30日",
        "2026年04月30日",
        date(2026, 4, 30),
        datetime(2026, 4, 30),
    ],
)
def test_a_day_is_understood_as_chinese_spreadsheets_write_it(day: Cell) -> None:
    assert read("13800138000", 1, day).expires_on == date(2026, 4, 30)


@pytest.mark.parametrize(
    ("cells", "bad"),
    [
        ((None, 100), BadLine.WHO_MISSING),
        (("张三", 100), BadLine.WHO_INVALID),
        (("1380013800", 100), BadLine.WHO_INVALID),
        (("1.38E+10", 100), BadLine.WHO_SCIENTIFIC),
        (("=A1", 100), BadLine.FORMULA),
        (("@SUM(A1)", 100), BadLine.FORMULA),
        (("13800138000", "=1+1"), BadLine.FORMULA),
        (("13800138000",), BadLine.POINTS_MISSING),
        (("13800138000", ""), BadLine.POINTS_MISSING),
        (("13800138000", "100.5"), BadLine.POINTS_DECIMAL),
        (("13800138000", "100.0"), BadLine.POINTS_DECIMAL),
        (("13800138000", 100.5), BadLine.POINTS_DECIMAL),
        (("13800138000", "一百"), BadLine.POINTS_INVALID),
        (("13800138000", "1e3"), BadLine.POINTS_INVALID),
        (("13800138000", True), BadLine.POINTS_INVALID),
        (("13800138000", "0"), BadLine.POINTS_ZERO),
        (("13800138000", "99999999999"), BadLine.POINTS_TOO_LARGE),
        (("13800138000", "9" * 400), BadLine.POINTS_INVALID),
        (("13800138000", 1, "下个月"), BadLine.DATE_INVALID),
        (("13800138000", 1, "2026-02-30"), BadLine.DATE_INVALID),
        (("13800138000", 1, "2026-03-09"), BadLine.DATE_PAST),
    ],
)
def test_a_wrong_line_is_refused_with_its_reason(cells: tuple[Cell, ...], bad: BadLine) -> None:
    assert read(*cells) == Line(7, bad=bad)


def test_a_heading_says_which_column_is_which() -> None:
    assert columns_of(["门店", "积分", "手机号"]) == {Column.POINTS: 1, Column.WHO: 2}
    assert columns_of(["\ufeff手机号 / 会员号", "Points", "到期日"]) == WITHOUT_HEADING
    assert columns_of(["13800138000", "100"]) is None


def test_a_line_of_nothing_is_blank() -> None:
    assert is_blank([None, " ", ""])
    assert not is_blank([None, 0])
