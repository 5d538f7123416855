"""Posters are pictures of the texts and the code, whatever marketers write."""

import io

import pytest
from PIL import Image

from loyalty.kernel import posters
from loyalty.kernel.posters import HEIGHT, WIDTH, Poster, UnreadablePicture, drawable, poster_png
from loyalty.kernel.qr import qr_png

CODE = qr_png("https://example.com/h5/i/token", scale=8)
BYTES_MAX = 120_000


def poster(**changes: object) -> Poster:
    texts = {
        "sender": "云上茶",
        "title": "来喝一杯",
        "text": "新会员得 50 积分",
        "caption": "长按识别",
        "note": "邀请有礼",
    }
    return Poster(**({**texts, "code": CODE} | changes))  # type: ignore[arg-type]


def pixels(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def test_a_poster_is_a_small_picture_that_differs_by_its_texts_and_its_code() -> None:
    drawn = poster_png(poster())

    assert pixels(drawn).size == (WIDTH, HEIGHT)
    assert len(drawn) < BYTES_MAX
    assert drawn != poster_png(poster(title="来喝两杯"))
    assert drawn != poster_png(poster(code=qr_png("https://example.com/h5/i/other", scale=8)))


def test_rare_characters_of_names_are_drawn_and_not_as_boxes() -> None:
    font = posters._font(60)

    boxes = [one for one in "鑫淼馥芮邀请积分·¥—" if bytes(font.getmask(one)) == bytes(font.getmask("\ue000"))]

    assert boxes == []


def test_what_the_font_cannot_draw_is_left_out() -> None:
    assert drawable(" 早鸟😀券\n第二行\0\u200b ") == "早鸟券 第二行"


@pytest.mark.parametrize("text", ["", "很长的标题" * 40, "w" * 300])
def test_no_text_leaves_its_place(text: str) -> None:
    drawn = pixels(poster_png(poster(title=text, text=text, sender=text, note=text, caption=text)))
    empty = pixels(poster_png(poster(title="", text="", sender="", note="", caption="")))

    for edge in ((0, 0, 40, HEIGHT), (WIDTH - 40, 0, WIDTH, HEIGHT), (0, 430, WIDTH, 480)):
        assert drawn.crop(edge).tobytes() == empty.crop(edge).tobytes(), edge


def test_a_code_that_is_no_picture_is_refused() -> None:
    with pytest.raises(UnreadablePicture):
        poster_png(poster(code=b'{"errcode":41030}'))
