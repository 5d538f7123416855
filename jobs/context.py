"""The container of this process: given by the command that started it, else built from settings."""

import os

from loyalty.container import Container, build
from loyalty.kernel import logs
from loyalty.settings import Settings

_given: list[Container] = []


def use(container: Container) -> None:
    """Make ``container`` the one of this process and of the work-horses it forks."""
    _given[:] = [container]


def container() -> Container:
    """Return the container of this process.

    A worker that was not started by our command, such as ``rq worker``, builds it on first use.
    """
    if not _given:
        settings = Settings.from_environment(os.environ)
        logs.configure(settings.log_level)
        use(build(settings))
    return _given[0]
