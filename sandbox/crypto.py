"""Signatures and encryption of pushes, as the platform describes them: SHA-1 over sorted parts, AES-256-CBC.

Plaintext = 16 random bytes, 4-byte big-endian length, message, appid; PKCS#7 with a block of 32; the IV is the first
half of the key.
"""

import base64
import hashlib
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32


class CipherInvalid(Exception):
    """An encrypted text cannot be read with this key and appid."""


def signature(*parts: str) -> str:
    """SHA-1 over the sorted parts: token, timestamp, nonce, and the cipher text for ``msg_signature``."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def encrypt(message: str, *, aes_key: str, appid: str, prefix: bytes) -> str:
    """Encrypts a message for the account; ``prefix`` is 16 random bytes."""
    data = message.encode()
    plain = prefix + struct.pack(">I", len(data)) + data + appid.encode()
    padding = BLOCK - len(plain) % BLOCK
    encryptor = _cipher(aes_key).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()).decode()


def decrypt(text: str, *, aes_key: str, appid: str) -> str:
    """The message in a cipher text. Raises CipherInvalid, also when it was made for another appid."""
    try:
        decryptor = _cipher(aes_key).decryptor()
        padded = decryptor.update(base64.b64decode(text)) + decryptor.finalize()
        plain = padded[: -padded[-1]]
        end = 20 + struct.unpack(">I", plain[16:20])[0]
        message, owner = plain[20:end].decode(), plain[end:].decode()
    except (ValueError, IndexError, struct.error) as error:
        raise CipherInvalid("the text is not encrypted with this key") from error
    if owner != appid:
        raise CipherInvalid(f"the text is meant for {owner}")
    return message


def _cipher(aes_key: str) -> Cipher[modes.CBC]:
    key = base64.b64decode(aes_key + "=")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))
