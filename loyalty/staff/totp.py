"""Time-based one-time codes (动态口令, RFC 6238): six digits, 30 seconds, one step of drift."""

import hmac
from datetime import datetime

import pyotp

STEP_SECONDS = 30
_DRIFT_STEPS = (-1, 0, 1)


def new_secret() -> str:
    """Make a secret for an authenticator app."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, *, username: str, issuer: str) -> str:
    """Return the text of the QR code that an authenticator app reads."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)


def code_at(secret: str, at: datetime) -> str:
    """Return the code that an authenticator shows at an instant."""
    return pyotp.TOTP(secret).generate_otp(int(at.timestamp()) // STEP_SECONDS)


def matching_step(secret: str, code: str, *, after_step: int, at: datetime) -> int | None:
    """Return the time step this code belongs to, or None when it is wrong, old or used.

    Steps up to ``after_step`` were used before: a code seen over a shoulder works no second time.
    """
    digits = "".join(code.split())
    if not (len(digits) == 6 and digits.isascii() and digits.isdigit()):
        return None
    now = int(at.timestamp()) // STEP_SECONDS
    for step in (now + drift for drift in _DRIFT_STEPS):
        is_equal = hmac.compare_digest(pyotp.TOTP(secret).generate_otp(step), digits)
        if is_equal and step > after_step:
            return step
    return None
