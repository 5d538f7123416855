"""Posters (海报): texts and a code as one picture, drawn here so that nothing leaves the server or is fetched.

Texts come from marketers: what the font cannot draw is left out, and what is too long ends in an ellipsis.
"""

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

WIDTH, HEIGHT = 750, 1140
_FONT = Path(__file__).parent / "fonts" / "NotoSansCJKsc-GB2312.woff2"
_MORE = frozenset("·—–¥©®™•")
"""What the font has beside GB 2312."""
_GREEN, _WHITE, _INK, _QUIET = "#057a45", "#ffffff", "#191919", "#6b6b6b"
_MARGIN, _CARD_TOP, _CODE = 60, 450, 420
_COLOURS = 64
_ELLIPSIS = "…"


class UnreadablePicture(ValueError):
    """What should be the picture of a code is none."""


@dataclass(frozen=True, slots=True)
class Poster:
    """What a poster shows, from top to bottom."""

    sender: str
    title: str
    text: str
    code: bytes
    """A square picture, PNG or JPEG."""
    caption: str
    note: str


def poster_png(poster: Poster) -> bytes:
    """Draw a poster.

    Raises:
        UnreadablePicture: the code is no picture.
    """
    sheet = Image.new("RGB", (WIDTH, HEIGHT), _GREEN)
    pen = ImageDraw.Draw(sheet)
    _write(pen, poster.sender, size=34, top=64, colour=_WHITE, lines=1)
    below = _write(pen, poster.title, size=60, top=124, colour=_WHITE, lines=2)
    _write(pen, poster.text, size=32, top=below + 12, colour=_WHITE, lines=2)
    pen.rounded_rectangle((_MARGIN, _CARD_TOP, WIDTH - _MARGIN, HEIGHT - _MARGIN), radius=24, fill=_WHITE)
    sheet.paste(_code(poster.code), ((WIDTH - _CODE) // 2, _CARD_TOP + 36))
    below = _write(pen, poster.caption, size=34, top=_CARD_TOP + _CODE + 58, colour=_INK, lines=1, is_centred=True)
    _write(pen, poster.note, size=26, top=below + 8, colour=_QUIET, lines=2, is_centred=True)
    target = io.BytesIO()
    sheet.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE).save(target, format="PNG")
    return target.getvalue()


def drawable(text: str) -> str:
    """Return a text without what the font cannot draw, in one line."""
    return "".join(one for one in " ".join(text.split()) if one in _MORE or _is_known(one))


def _is_known(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return character.isprintable()


def _write(
    pen: ImageDraw.ImageDraw, text: str, *, size: int, top: int, colour: str, lines: int, is_centred: bool = False
) -> int:
    """Write a text and return where the next may begin."""
    font, room = _font(size), WIDTH - 2 * _MARGIN - (2 * _MARGIN if is_centred else 0)
    for line in _folded(drawable(text), font, room, lines):
        at = (WIDTH / 2, top) if is_centred else (_MARGIN, top)
        pen.text(at, line, font=font, fill=colour, anchor="ma" if is_centred else "la")
        top += size * 3 // 2
    return top


def _folded(text: str, font: ImageFont.FreeTypeFont, room: int, most: int) -> list[str]:
    """Fold a text anywhere, as Chinese is; the last line tells by an ellipsis that there was more."""
    lines, rest = list[str](), text
    while rest and len(lines) < most:
        end = _fitting(rest, font, room)
        lines.append(rest[:end])
        rest = rest[end:].lstrip()
    if rest:
        lines[-1] = lines[-1][: _fitting(lines[-1], font, room - int(font.getlength(_ELLIPSIS)))] + _ELLIPSIS
    return lines


def _fitting(text: str, font: ImageFont.FreeTypeFont, room: int) -> int:
    """Return how many characters fit, one at least."""
    end = 1
    while end < len(text) and font.getlength(text[: end + 1]) <= room:
        end += 1
    return end


def _code(content: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
            square = picture.convert("RGBA").resize((_CODE, _CODE), Image.Resampling.LANCZOS)
    except (UnidentifiedImageError, OSError) as error:
        raise UnreadablePicture from error
    ground = Image.new("RGB", square.size, _WHITE)
    ground.paste(square, mask=square)
    return ground


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FONT, size, layout_engine=ImageFont.Layout.BASIC)
