"""Seeded randomness: with a seed, the same run gives the same openids, tokens and codes."""

import random
import string
import threading

LETTERS = string.ascii_letters + string.digits


class Randomness:
    """A random generator that threads may share."""

    def __init__(self, seed: str | None) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def text(self, length: int, *, alphabet: str = LETTERS) -> str:
        """Random text of ``length`` characters."""
        with self._lock:
            return "".join(self._random.choices(alphabet, k=length))

    def digits(self, length: int) -> str:
        """Random decimal digits; the first one is not 0."""
        return self.text(1, alphabet="123456789") + self.text(length - 1, alphabet=string.digits)

    def hex(self, length: int) -> str:
        """Random lower-case hexadecimal digits."""
        return self.text(length, alphabet="0123456789abcdef")

    def data(self, length: int) -> bytes:
        """Random bytes."""
        with self._lock:
            return self._random.randbytes(length)
