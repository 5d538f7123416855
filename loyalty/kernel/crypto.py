"""Personal data at rest: AES-256-GCM under a key ring, and an HMAC blind index for look-ups.

A sealed value is ``key id length · key id · nonce · ciphertext``; the context (table and column)
is authenticated, so that a value cannot be moved to another column. Keys are added at the front
of the ring and old ones stay readable until everything is sealed anew (``privacy`` does that).
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class SealBroken(Exception):
    """A sealed value was changed, moved, or its key is no longer in the ring."""


@dataclass(frozen=True)
class Vault:
    """Seals and opens personal data; the first key of the ring seals."""

    ring: Mapping[str, bytes]
    index_key: bytes

    @property
    def current_key_id(self) -> str:
        """The id of the key that seals new values."""
        return next(iter(self.ring))

    @property
    def current_mark(self) -> bytes:
        """What every value under the current key begins with, and no other value does."""
        return _mark(self.current_key_id)

    def seal(self, plain: str, *, context: str) -> bytes:
        """Encrypt a text for storage."""
        key_id = self.current_key_id
        nonce = os.urandom(_NONCE_BYTES)
        cipher = AESGCM(self.ring[key_id]).encrypt(nonce, plain.encode(), context.encode())
        return _mark(key_id) + nonce + cipher

    def open(self, sealed: bytes, *, context: str) -> str:
        """Decrypt a stored text.

        Raises:
            SealBroken: the value was tampered with, or its key is gone.
        """
        try:
            key_id, nonce, cipher = _parts(sealed)
            plain = AESGCM(self.ring[key_id]).decrypt(nonce, cipher, context.encode())
        except (KeyError, InvalidTag, IndexError, ValueError) as error:
            raise SealBroken(context) from error
        return plain.decode()

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether a stored value is sealed under the current key."""
        return sealed.startswith(self.current_mark)

    def index(self, plain: str, *, context: str) -> bytes:
        """Return the blind index: equal texts give equal bytes, and nobody can read them back."""
        return hmac.digest(self.index_key, f"{context}\0{plain}".encode(), hashlib.sha256)


def _mark(key_id: str) -> bytes:
    return bytes([len(key_id)]) + key_id.encode()


def _parts(sealed: bytes) -> tuple[str, bytes, bytes]:
    end_of_id = 1 + sealed[0]
    end_of_nonce = end_of_id + _NONCE_BYTES
    return sealed[1:end_of_id].decode(), sealed[end_of_id:end_of_nonce], sealed[end_of_nonce:]
