"""The keys of one trial: made once, kept in a file that only its owner can read, never changed afterwards.

Whatever was sealed with them is lost with them, so a damaged file is refused instead of replaced.
"""

import base64
import json
import os
import secrets
import string
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from trial.errors import TrialError

WECHAT_LETTERS = string.ascii_letters + string.digits


def _bytes_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _letters(length: int) -> str:
    return "".join(secrets.choice(WECHAT_LETTERS) for _ in range(length))


def _rsa_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(private_pem: str) -> str:
    """Give the public half of one of these keys."""
    key = load_pem_private_key(private_pem.encode(), password=None).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


# What WeChat prescribes: a secret has 32 hex digits, a push token 3 to 32 and an AES key exactly 43 letters and digits.
MAKERS: dict[str, Callable[[], str]] = {
    "secret_key": lambda: secrets.token_urlsafe(48),
    "data_keys": lambda: f"k1:{_bytes_key()}",
    "index_key": _bytes_key,
    "seal_key": _bytes_key,
    "member_code_key": _bytes_key,
    "sms_sandbox_secret": lambda: secrets.token_urlsafe(24),
    "metrics_token": lambda: secrets.token_urlsafe(24),
    "oa_secret": lambda: secrets.token_hex(16),
    "oa_token": lambda: _letters(32),
    "oa_aes_key": lambda: _letters(43),
    "mp_secret": lambda: secrets.token_hex(16),
    "mp_token": lambda: _letters(32),
    "mp_aes_key": lambda: _letters(43),
    "merchant_private_key": _rsa_key,
    "merchant_serial_no": lambda: secrets.token_hex(20).upper(),
    "platform_private_key": _rsa_key,
    "platform_public_key_id": lambda: f"PUB_KEY_ID_{secrets.randbelow(9 * 10**27) + 10**27}",
    "api_v3_key": lambda: _letters(32),
}


def load_keys(path: Path) -> dict[str, str]:
    """Read the keys of this trial, making those that are not there yet.

    Raises:
        TrialError: the file cannot be read as keys.
        OSError: it cannot be opened or written.
    """
    keys = _read(path)
    missing = {name: make() for name, make in MAKERS.items() if name not in keys}
    if missing:
        keys |= missing
        _write(path, keys)
    return keys


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        keys = json.loads(path.read_text())
    except ValueError:
        keys = None
    if not isinstance(keys, dict) or not all(isinstance(value, str) for value in keys.values()):
        raise TrialError(
            f"{path} is damaged, and what was encrypted with it cannot be read: put it back, or run `make reset`."
        )
    return keys


def _write(path: Path, keys: dict[str, str]) -> None:
    # Written beside and renamed, so that a kill never leaves half a key; closed to others from its first moment.
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(keys, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
