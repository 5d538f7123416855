"""People of the simulated platform whom the demo chain knows, each with a phone to play with."""

import json
from typing import Any
from urllib.request import Request, urlopen

TIMEOUT_SECONDS = 5.0


def person_of(sandbox_url: str, nickname: str) -> Any:
    """Return a person with a phone by their nickname, made when there is none.

    Raises:
        OSError: the simulated platform does not answer.
    """
    people = _ask(f"{sandbox_url}/_sim/users")
    known = next((person for person in people if person["nickname"] == nickname), None)
    return known or _ask(f"{sandbox_url}/_sim/users", {"nickname": nickname})


def _ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - an address of the settings
    with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the same
        return json.load(answer)
