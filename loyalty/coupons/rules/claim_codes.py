"""Claim codes (兑换码): twelve characters on a leaflet that are good for one coupon; derived, never stored.

A code is the keyed permutation of a serial that is followed by zeros: what does not come back with the zeros was not
made by us, so that a guess hits a given one of a million codes with one in 10⁸, and the last character is a check on
the others that finds every single wrong character and every two that changed places. Of the characters that look or
sound alike one stands for all at most: no 0 O D Q, no 1 I L, no B S Z G, no U, no E.
"""

import hashlib
import hmac
import re
import unicodedata
from functools import lru_cache

from loyalty.coupons.rules.errors import ClaimCodeInvalid
from loyalty.kernel.permutation import permute, restore

ALPHABET = "23456789ACFHJKMNPRTVWXY"
"""A prime number of characters, so that the check finds what it should."""
LENGTH = 12
GROUP = 4
SERIAL_BOUND = 10**10
_REDUNDANCY = 10**4
_HALF_DIGITS = 7
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_BASE = len(ALPHABET)
_LEFT_OUT = re.compile(r"[\s\-‐-―－−_]+")


def claim_code(key: bytes, serial: int) -> str:
    """Return the claim code of a serial, in groups of four."""
    if not 0 <= serial < SERIAL_BOUND:
        raise ValueError("serials have ten digits at most")
    number = permute(serial * _REDUNDANCY, half_digits=_HALF_DIGITS, key=_own(key))
    code = ""
    for _ in range(LENGTH - 1):
        number, value = divmod(number, _BASE)
        code += ALPHABET[value]
    code += ALPHABET[_check_value(code)]
    return "-".join(code[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def read_claim_code(key: bytes, typed: str) -> int:
    """Return the serial of a claim code as somebody typed it: case, width, spaces and hyphens mean nothing.

    Raises:
        ClaimCodeInvalid: it is none of ours.
    """
    code = _LEFT_OUT.sub("", unicodedata.normalize("NFKC", typed[:_TYPED_MAX])).upper()
    if len(code) != LENGTH or not _VALUES.keys() >= set(code) or _VALUES[code[-1]] != _check_value(code[:-1]):
        raise ClaimCodeInvalid
    number = 0
    for character in reversed(code[:-1]):
        number = number * _BASE + _VALUES[character]
    if number >= SERIAL_BOUND * _REDUNDANCY:
        raise ClaimCodeInvalid
    serial, rest = divmod(restore(number, half_digits=_HALF_DIGITS, key=_own(key)), _REDUNDANCY)
    if rest:
        raise ClaimCodeInvalid
    return serial


_TYPED_MAX = 100


def _check_value(code: str) -> int:
    # Weights that differ, under a prime: ISO 7064 in its idea.
    return sum(weight * _VALUES[character] for weight, character in enumerate(code, start=1)) % _BASE


@lru_cache(maxsize=8)
def _own(key: bytes) -> bytes:
    return hmac.digest(key, b"claim-code", hashlib.sha256)
