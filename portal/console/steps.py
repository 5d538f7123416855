"""Steps in the life of something (操作): a button takes one in the name of the caller, at this moment."""

from collections.abc import Callable

from werkzeug.wrappers import Response

from portal.console import forms
from portal.console.access import actor
from portal.context import container


def take(step: Callable[..., object], *, done: str, back: str) -> Response:
    """Take a step, of which all is known but who takes it and when, and go back to its page with the outcome."""
    at, who = container().clock.now(), actor()
    return forms.act(lambda session: step(session, actor=who, at=at), done=done, back=back)
