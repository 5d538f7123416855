"""What the pay side keeps in memory: its keys once they are known, calls of the last second, addresses of bills."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey


@dataclass(frozen=True)
class Keys:
    """The keys of both sides; ``merchant_private_key`` only where the sandbox made it itself."""

    serial_no: str
    api_v3_key: str
    merchant_public_key: RSAPublicKey
    merchant_private_key: str | None
    platform_key: RSAPrivateKey
    public_key_id: str


@dataclass(frozen=True)
class Download:
    """A bill that may be fetched until a moment of real time."""

    content: bytes
    until: float


@dataclass
class PayDesk:
    """Safe to use from several threads."""

    keys: Keys | None = None
    downloads: dict[str, Download] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _calls: dict[str, deque[float]] = field(default_factory=dict)

    def is_too_fast(self, name: str, *, per_second: int) -> bool:
        """Counts a call of an interface; whether it is one too many within a second of real time."""
        now = time.monotonic()
        with self.lock:
            calls = self._calls.setdefault(name, deque())
            while calls and calls[0] <= now - 1:
                calls.popleft()
            if len(calls) >= per_second:
                return True
            calls.append(now)
            return False
