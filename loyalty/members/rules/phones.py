"""Phone numbers (手机号) of the mainland, Hong Kong, Macau and Taiwan, in E.164."""

import unicodedata
from typing import Any

from loyalty.kernel.errors import InvalidInput

REGIONS = frozenset({"CN", "HK", "MO", "TW"})
_TEXT_MAX = 32
_CHARACTERS = frozenset("+0123456789 -()")


class PhoneInvalid(InvalidInput):
    """Not a mobile number of the four regions; numbers of other than the mainland need their prefix."""

    code = "phone_invalid"
    message = "请输入正确的手机号（支持大陆、香港、澳门、台湾手机号，港澳台请加区号，如 +852）"


def normalise_phone(text: str) -> str:
    """Return a phone in E.164; without a prefix it is one of the mainland.

    Raises:
        PhoneInvalid: it is no mobile number of the four regions.
    """
    # Loading the metadata takes a noticeable moment, so only those who need it pay.
    import phonenumbers

    text = _plain(text)
    if len(text) > _TEXT_MAX or not set(text) <= _CHARACTERS:
        raise PhoneInvalid  # the library would pick a number out of any text
    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException as error:
        raise PhoneInvalid from error
    if not _is_mobile(phonenumbers, number):
        raise PhoneInvalid
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _plain(text: str) -> str:
    """Write plainly what a Chinese keyboard types wide and a telephone book copies with invisible marks."""
    return "".join(
        character for character in unicodedata.normalize("NFKC", text) if unicodedata.category(character) != "Cf"
    )


def _is_mobile(phonenumbers: Any, number: Any) -> bool:
    kinds = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
    return (
        phonenumbers.is_valid_number(number)
        and not number.extension
        and phonenumbers.region_code_for_number(number) in REGIONS
        and phonenumbers.number_type(number) in kinds
    )
