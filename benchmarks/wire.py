"""Requests as bytes: one template filled with ever new numbers, and signed where the plan has a secret."""

import time

from loyalty.partners.rules.signatures import sign

NUMBER, SIGNATURE = "{number}", "{signature}"


class Template:
    """A head and a body; ``{number}`` in them becomes the number, ``{signature}`` what a partner's system would sign.

    The time of a signature is that of the template, which is good for some minutes.
    """

    def __init__(self, *, head: str, body: str, host: str, secret: str = "") -> None:
        self._body = body
        self._secret = secret
        self._timestamp = str(int(time.time()))
        self._method, self._target, _version = head.partition("\r\n")[0].split(" ")
        length = f"Content-Length: {len(self._filled(body, 0).encode())}\r\n" if body else ""
        signed = f"Partner-Timestamp: {self._timestamp}\r\n" if secret else ""
        self._text = f"{head}{signed}Host: {host}\r\n{length}\r\n{body}"

    def request(self, number: int) -> bytes:
        """Return the request for a number."""
        text = self._filled(self._text, number)
        return (text.replace(SIGNATURE, self._signature(number)) if self._secret else text).encode()

    def _signature(self, number: int) -> str:
        return sign(
            self._secret,
            method=self._method,
            target=self._target,
            timestamp=self._timestamp,
            nonce=nonce_of(number),
            body=self._filled(self._body, number).encode(),
        )

    @staticmethod
    def _filled(text: str, number: int) -> str:
        return text.replace(NUMBER, f"{number:010d}")


def nonce_of(number: int | str) -> str:
    """Return the nonce of a request, ``{number}`` standing for the number in a head."""
    return f"bench-nonce-{number if isinstance(number, str) else f'{number:010d}'}"
