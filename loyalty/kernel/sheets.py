"""Sheets (表格文件): reading CSV and XLSX line by line, in flat memory, whatever the spreadsheet program wrote.

Formulas are handed on as they stand in the file and refused with their line; nothing is calculated.
"""

import codecs
import csv
import io
import unicodedata
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import BinaryIO, TypeVar

from loyalty.kernel.errors import InvalidInput

ROWS_MAX = 1_000_000
FILE_BYTES_MAX = 50 * 1024 * 1024
UNPACKED_BYTES_MAX = 1024 * 1024 * 1024
"""Of a million lines some 100 MB are expected; far more is a bomb."""
COLUMNS_MAX = 20
_CHUNK = 1024 * 1024
_ZIP_MARK = b"PK\x03\x04"
_ENCODINGS_BY_MARK = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

Cell = str | int | float | bool | date | datetime | None
Column = TypeVar("Column")
Line = TypeVar("Line")


class FileTooLarge(InvalidInput):
    """The file is larger than a million lines can be."""

    code = "file_too_large"
    message = "文件过大：不能超过 50 MB"


class FileMissing(InvalidInput):
    """No file was chosen, or it is empty."""

    code = "file_missing"
    message = "请选择文件，且文件不能为空"


class UnreadableFile(InvalidInput):
    """The file is neither CSV nor XLSX, is damaged, or has too many lines; the fault says which."""

    code = "file_unreadable"
    message = "无法读取文件，请使用 CSV 或 XLSX 格式"

    def __init__(self, fault: str) -> None:
        super().__init__(fault=fault)
        self.fault = fault


def read_sheet(
    content: BinaryIO,
    *,
    columns_of: Callable[[Sequence[Cell]], Mapping[Column, int] | None],
    without_heading: Mapping[Column, int],
    line_of: Callable[[int, Sequence[Cell], Mapping[Column, int]], Line],
    after: int = 0,
) -> Iterator[Line]:
    """Read the lines of a file that follow line ``after``; blank ones are left out.

    ``columns_of`` tells which column is where if the first line is a heading; otherwise they stand as
    ``without_heading`` says.

    Raises:
        UnreadableFile: it is of another kind, damaged, empty, or has more than ``ROWS_MAX`` lines.
    """
    columns: Mapping[Column, int] | None = None
    found = 0
    for number, cells in _rows(content):
        if is_blank(cells):
            continue
        if columns is None:
            heading = columns_of(cells)
            columns = heading or without_heading
            if heading:
                continue
        found += 1
        if found > ROWS_MAX:
            raise UnreadableFile("too_many_rows")
        if number > after:
            yield line_of(number, cells, columns)
    if found == 0:
        raise UnreadableFile("no_rows")


def is_blank(cells: Sequence[Cell]) -> bool:
    """Tell whether a line holds nothing at all."""
    return all(text_of(cell) == "" for cell in cells)


def cell_of(cells: Sequence[Cell], index: int | None) -> Cell:
    """Return a cell of a line that may be shorter than others."""
    return cells[index] if index is not None and index < len(cells) else None


def text_of(cell: Cell) -> str:
    """Return what a cell says, without what spreadsheet programs put around it."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = str(cell)
    if not text.isascii():  # most are, and a file has millions of cells
        text = "".join(mark for mark in unicodedata.normalize("NFKC", text) if unicodedata.category(mark) != "Cf")
    return text.strip().lstrip("'")


def _rows(content: BinaryIO) -> Iterator[tuple[int, list[Cell]]]:
    content.seek(0)
    mark = content.read(4)
    content.seek(0)
    return _of_workbook(content) if mark == _ZIP_MARK else _of_text(content)


def _of_text(content: BinaryIO) -> Iterator[tuple[int, list[Cell]]]:
    encoding = _encoding_of(content)
    content.seek(0)
    text = io.TextIOWrapper(content, encoding=encoding, newline="")
    try:
        delimiter = max(",\t;", key=text.readline().count)
        text.seek(0)
        reader = csv.reader(text, delimiter=delimiter)
        for cells in reader:
            yield reader.line_num, list(cells[:COLUMNS_MAX])
    except (csv.Error, UnicodeError) as error:
        raise UnreadableFile("damaged") from error
    finally:
        text.detach()


def _encoding_of(content: BinaryIO) -> str:
    """Return the encoding of a text: marked, or UTF-8, or else what Chinese spreadsheets write."""
    mark = content.read(4)
    for known, encoding in _ENCODINGS_BY_MARK:
        if mark.startswith(known):
            return encoding
    for encoding in ("utf-8", "gb18030"):
        content.seek(0)
        if _decodes(content, encoding):
            return encoding
    raise UnreadableFile("encoding")


def _decodes(content: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in iter(lambda: content.read(_CHUNK), b""):
            if "\0" in decoder.decode(chunk):
                return False
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _of_workbook(content: BinaryIO) -> Iterator[tuple[int, list[Cell]]]:
    _refuse_bombs(content)
    # Loading it takes a noticeable moment, so only those who need it pay.
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on styles that it does not know, which nobody here looks at
            workbook = load_workbook(content, read_only=True, data_only=False, keep_links=False)
            rows = workbook.worksheets[0].iter_rows(max_col=COLUMNS_MAX, values_only=True)
            for number, cells in enumerate(rows, start=1):
                yield number, [_plain(cell) for cell in cells]
    except UnreadableFile:
        raise
    except Exception as error:  # the library raises whatever a damaged part of the archive makes it stumble over
        raise UnreadableFile("damaged") from error


def _plain(cell: object) -> Cell:
    if cell is None or isinstance(cell, str | int | float | bool | date | datetime):
        return cell
    return "=" if hasattr(cell, "ref") else str(cell)  # an array formula


def _refuse_bombs(content: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(content) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
    except zipfile.BadZipFile as error:
        raise UnreadableFile("damaged") from error
    if unpacked > UNPACKED_BYTES_MAX:
        raise UnreadableFile("too_large_unpacked")
    content.seek(0)
