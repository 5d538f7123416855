"""A keyed permutation of the numbers below a power of a hundred (保留格式加密).

A balanced Feistel network with HMAC-SHA256 as its round function (Luby and Rackoff 1988; the scheme
of NIST SP 800-38G in its outline). It hides order and count; it proves nothing by itself.
"""

import hashlib
import hmac

ROUNDS = 8


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
    return int.from_bytes(hmac.digest(key, f"{turn}:{half}".encode(), hashlib.sha256))
