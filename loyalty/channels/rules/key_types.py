"""Value rules of template keys (模板关键词) by their type, such as ``thing`` of ``thing3``.

Source: the official table of subscription message parameters; the newer templates of Official
Accounts use the same types. A value that breaks its rule makes WeChat refuse the whole message
(47003), so texts are cut to fit and everything else is refused here first.
"""

import re
from dataclasses import dataclass

from loyalty.kernel.errors import InvalidInput

_KEY = re.compile(r"([a-z_]+?)\d+", re.ASCII)
_ELLIPSIS = "…"
_EMOJI = re.compile("[\U0001f000-\U0001ffff\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe0f\ufeff\u20e3\ue000-\uf8ff]")
_HAN = r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_CLOCK = r"([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
_DAY = r"[0-9]{4}(年[0-9]{1,2}月[0-9]{1,2}日|-[0-9]{1,2}-[0-9]{1,2})"
_NUMBER_DIGITS, _AMOUNT_DIGITS = 32, 10


class ValueUnfit(InvalidInput):
    """A value cannot stand under a key of this type, however it is cut."""

    code = "template_value_unfit"
    message = "消息字段的内容不符合微信的要求"


@dataclass(frozen=True, slots=True)
class KeyType:
    """What may stand under keys of one type."""

    pattern: str
    rule: str
    """The rule in Chinese, for refusals."""
    text_max: int | None = None
    """Texts are cut to this many characters; figures and times never are."""


_TYPES = {
    "thing": KeyType(r".+", "20 个字以内", text_max=20),
    "number": KeyType(
        rf"(?=([0-9]\.?){{1,{_NUMBER_DIGITS}}}$)[0-9]+(\.[0-9]+)?", "32 位以内数字，可带小数，不能带正负号"
    ),
    "letter": KeyType(r"[A-Za-z]{1,32}", "32 位以内字母"),
    "symbol": KeyType(r"[^\w\s]{1,5}", "5 位以内符号"),
    "character_string": KeyType(r"[!-~]{1,32}", "32 位以内数字、字母或符号"),
    "time": KeyType(rf"({_DAY} ?)?{_CLOCK}", "24 小时制时间，可带年月日"),
    "date": KeyType(rf"{_DAY}( ?{_CLOCK})?", "年月日，可带 24 小时制时间"),
    "amount": KeyType(
        rf"[¥￥$€£]?(?=([0-9]\.?){{1,{_AMOUNT_DIGITS}}}元?$)[0-9]+(\.[0-9]+)?元?",
        "1 个币种符号加 10 位以内数字，可带小数，可以元结尾",
    ),
    "phone_number": KeyType(r"[0-9!-/:-@\[-`{-~]{1,17}", "17 位以内数字或符号"),
    "car_number": KeyType(rf"({_HAN}|[A-Za-z0-9])[A-Za-z0-9]{{0,6}}({_HAN}|[A-Za-z0-9])", "8 位以内车牌号"),
    "name": KeyType(r"[^\d]+", "10 个以内汉字，或 20 个以内字母或符号", text_max=10),
    "phrase": KeyType(rf"{_HAN}{{1,5}}", "5 个以内汉字", text_max=5),
    "enum": KeyType(r".{1,20}", "审核通过的枚举值"),
    "const": KeyType(r".{1,20}", "审核通过的枚举值"),
    "keyword": KeyType(r".+", "20 个字以内", text_max=20),
}
_LATIN_NAME = re.compile(r"[^\u2e80-\U0003ffff]+")
_LATIN_NAME_MAX = 20


def fit(key: str, value: str) -> str:
    """Return a value as it may stand under a key: one line, without emoji, a text cut to its length.

    Raises:
        ValueUnfit: nothing is left, or figures, times and the like break the rule of their type,
            or the key is one WeChat no longer shows, such as ``first``.
    """
    key_type = _type_of(key)
    cleaned = " ".join(_EMOJI.sub("", value).split())
    if not cleaned:
        raise ValueUnfit(key=key, reason="内容不能为空")
    if key_type.text_max is not None:
        cleaned = _cut(cleaned, _text_max(key, cleaned, key_type.text_max), pattern=key_type.pattern)
    if not re.fullmatch(key_type.pattern, cleaned):
        raise ValueUnfit(key=key, reason=f"应为{key_type.rule}")
    return cleaned


def _type_of(key: str) -> KeyType:
    parts = _KEY.fullmatch(key)
    found = _TYPES.get(parts[1]) if parts else None
    if found is None:
        raise ValueUnfit(key=key, reason="微信已不再支持这个关键词")
    return found


def _text_max(key: str, text: str, text_max: int) -> int:
    is_latin_name = key.startswith("name") and _LATIN_NAME.fullmatch(text)
    return _LATIN_NAME_MAX if is_latin_name else text_max


def _cut(text: str, text_max: int, *, pattern: str) -> str:
    if len(text) <= text_max:
        return text
    shortened = text[: text_max - 1] + _ELLIPSIS
    return shortened if re.fullmatch(pattern, shortened) else text[:text_max]
