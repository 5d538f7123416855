"""Rotating codes (动态码): 18 digits that name something of ours for a minute or two, and are not stored.

A prefix of two digits and 16 more: a keyed permutation over an id and a truncated HMAC of id and time step. The
prefixes lie outside WeChat Pay's 10–15 and Alipay's 25–30, so that a till can tell our codes from payment codes. The
key never leaves the servers, so a photographed code is of no use after its two steps.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime

from loyalty.kernel.permutation import permute, restore

DIGITS = 18
STEP_SECONDS = 60
_HALF_DIGITS = 8


@dataclass(frozen=True, slots=True)
class RotatingCode:
    """A code and the instant at which the next one should be shown."""

    code: str
    valid_until: datetime

    @property
    def display(self) -> str:
        """The code in groups of four, to be read aloud."""
        return " ".join(self.code[start : start + 4] for start in range(0, DIGITS, 4))


@dataclass(frozen=True, slots=True)
class CodeKind:
    """What a family of codes names; a guess hits something with 2 in ``10 ** (16 - id_digits)`` at most."""

    prefix: str
    label: str
    """Told to the HMAC, so that a code of one kind proves nothing of another."""
    id_digits: int

    def current(self, key: bytes, number: int, at: datetime) -> RotatingCode:
        """Return the code of an id at an instant; it is accepted for one more step after it ends."""
        step = _step(at)
        number %= 10**self.id_digits
        plain = number * self._mac_bound + self._mac(key, number, step)
        digits = permute(plain, half_digits=_HALF_DIGITS, key=key)
        until = datetime.fromtimestamp((step + 1) * STEP_SECONDS, UTC)
        return RotatingCode(f"{self.prefix}{digits:016d}", until)

    def read(self, key: bytes, code: str, at: datetime) -> int | None:
        """Return the id whose code of this or the last step this is, if it is any."""
        if not (len(code) == DIGITS and code.isascii() and code.isdigit() and code.startswith(self.prefix)):
            return None
        plain = restore(int(code.removeprefix(self.prefix)), half_digits=_HALF_DIGITS, key=key)
        number, mac = divmod(plain, self._mac_bound)
        step = _step(at)
        return number if mac in {self._mac(key, number, step), self._mac(key, number, step - 1)} else None

    @property
    def _mac_bound(self) -> int:
        bound: int = 10 ** (2 * _HALF_DIGITS - self.id_digits)
        return bound

    def _mac(self, key: bytes, number: int, step: int) -> int:
        digest = hmac.digest(key, f"{self.label}:{number}:{step}".encode(), hashlib.sha256)
        return int.from_bytes(digest) % self._mac_bound


def _step(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS
