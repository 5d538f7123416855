"""RSA keys in PEM, given as text or as the path of a file, checked when they are read and not when they are needed."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

_MARK = "-----BEGIN "


def private_key(given: str) -> str:
    """Return an RSA private key as PKCS#8, whatever its form was.

    Raises:
        ValueError: no such file, or no such key; the text never holds any of it.
    """
    try:
        key = load_pem_private_key(_text(given), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("it must be an RSA private key in PEM without a password, or the path of its file") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("it must be an RSA private key")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_key(given: str) -> str:
    """Return an RSA public key as SubjectPublicKeyInfo.

    Raises:
        ValueError: no such file, or no such key.
    """
    try:
        key = load_pem_public_key(_text(given))
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("it must be an RSA public key in PEM, or the path of its file") from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError("it must be an RSA public key")
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _text(given: str) -> bytes:
    if given.lstrip().startswith(_MARK):
        return given.strip().encode()
    return Path(given).read_bytes()
