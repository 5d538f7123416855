"""Lists of members: a member number or a phone on each line; every line that is wrong is named with its reason."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from loyalty.kernel.errors import InvalidInput
from loyalty.members.rules.numbers import is_number
from loyalty.members.rules.phones import PhoneInvalid, normalise_phone

LINES_MAX = 1_000
_LINE_END = re.compile(r"\r\n|\r|\n")
UNREADABLE = "不是会员号，也不是手机号"
UNKNOWN = "没有找到该会员，或不在您的数据范围内"
GONE = "会员已注销或已合并"


@dataclass(frozen=True, slots=True)
class Line:
    """One line that says something: a member number or a phone in E.164, or neither."""

    number: int
    """Counts from 1, empty lines included."""
    member_number: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class LineProblem:
    """A line that was refused, and why, in Chinese."""

    line: int
    reason: str


class InvalidTagLines(InvalidInput):
    """There is no line, or there are too many."""

    code = "invalid_tag_lines"
    message = f"请填写会员号或手机号，每行一个，最多 {LINES_MAX:,} 行"


class TagLinesRefused(InvalidInput):
    """Some lines are wrong, and so nothing was done; ``problems`` in the details say which and why."""

    code = "tag_lines_refused"
    message = "名单里有不正确的行，没有改动任何会员；请改好后重新提交"

    def __init__(self, problems: Sequence[LineProblem]) -> None:
        super().__init__(problems=[asdict(problem) for problem in problems])
        self.problems = tuple(problems)


def read_lines(text: str) -> list[Line]:
    """Return the lines of a list, empty ones left out.

    Raises:
        InvalidTagLines: there is none, or there are too many.
    """
    texts = [(number, line.strip()) for number, line in enumerate(_LINE_END.split(text), start=1)]
    filled = [(number, line) for number, line in texts if line]
    if not 0 < len(filled) <= LINES_MAX:
        raise InvalidTagLines
    return [_line(number, line) for number, line in filled]


def doubled(first: int) -> str:
    """Return why a line is refused that means the same member as an earlier one."""
    return f"与第 {first} 行是同一位会员"


def _line(number: int, text: str) -> Line:
    if is_number(text):
        return Line(number, member_number=text)
    try:
        return Line(number, phone=normalise_phone(text))
    except PhoneInvalid:
        return Line(number)
