"""A keyed permutation of the numbers below a power of a hundred (保留格式加密).

A balanced Feistel network with HMAC-SHA256 as its round function (Luby and Rackoff 1988; the scheme
of NIST SP 800-38G in its outline). It hides order and count; it proves nothing by itself.
"""

import hashlib
from functools import lru_cache

ROUNDS = 8
_BLOCK_BYTES = 64
"""Of SHA-256."""


def permute(number: int, *, half_digits: int, key: bytes) -> int:
    """Map a number of ``2 × half_digits`` decimal digits to another; no two to the same."""
    base: int = 10**half_digits
    left, right = divmod(number, base)
    for turn in range(ROUNDS):
        left, right = right, (left + _round(right, turn, key)) % base
    return left * base + right


def restore(number: int, *, half_digits: int, key: bytes) -> int:
    """Undo ``permute``."""
    base: int = 10**half_digits
    left, right = divmod(number, base)
    for turn in reversed(range(ROUNDS)):
        left, right = (right - _round(left, turn, key)) % base, left
    return left * base + right


def _round(half: int, turn: int, key: bytes) -> int:
    inner, outer = _started(key)
    inner, outer = inner.copy(), outer.copy()
    inner.update(b"%d:%d" % (turn, half))
    outer.update(inner.digest())
    return int.from_bytes(outer.digest())


@lru_cache(maxsize=16)
def _started(key: bytes) -> "tuple[hashlib._Hash, hashlib._Hash]":
    """HMAC (RFC 2104) with its key already hashed: a million codes are derived in half the time."""
    padded = (key if len(key) <= _BLOCK_BYTES else hashlib.sha256(key).digest()).ljust(_BLOCK_BYTES, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in padded)), hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
