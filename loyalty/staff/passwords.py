"""Staff passwords: argon2id hashes, and one that matches nothing for names that do not exist."""

import secrets

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)

NOBODYS_HASH = _HASHER.hash(secrets.token_urlsafe(32))
"""Checked when a log-in name is unknown, so that the answer takes as long as for a known one."""

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def hash_password(password: str) -> str:
    """Return the hash to store (OWASP's second argon2id setting: 19 MiB, two passes)."""
    return _HASHER.hash(password)


def matches(password_hash: str, password: str) -> bool:
    """Tell whether a password fits a hash; takes about 30 ms, so call it outside transactions."""
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def generate() -> str:
    """Make a first password that can be read aloud: four groups of four, 79 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
