"""Logs: one JSON line for each event, with the request id and without personal data."""

import logging
import sys
import traceback
from collections.abc import Iterator

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError

_DROPPED = frozenset({"phone", "openid", "unionid", "nickname", "token", "password", "code"})


def configure(level: str) -> None:
    """Send structlog's events and the libraries' records to standard output as JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_personal_data,
        structlog.processors.ExceptionRenderer(_told),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=lambda *_names: _StandardOutput(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processor=structlog.processors.JSONRenderer(ensure_ascii=False),
        )
    )
    logging.basicConfig(handlers=[handler], level=max(logging.getLevelName(level), logging.WARNING))


class _StandardOutput:
    """Standard output as it is when a line is written: it may have been replaced since a logger was first used."""

    def _write(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    debug = info = warning = error = critical = _write


def _without_personal_data(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for name in _DROPPED & event.keys():
        event[name] = "[hidden]"
    return event


def _told(exc_info: structlog.typing.ExcInfo) -> str:
    """Write a traceback with its causes, first things first."""
    chain = list(_causes(exc_info[1]))
    return "\n".join("".join([*traceback.format_tb(error.__traceback__), _named(error)]) for error in reversed(chain))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what led to it, each once: a retry that fails alike can close the chain to a circle."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _named(error: BaseException) -> str:
    """Name an error; one of the database by its state and constraint only, since its text quotes what was written."""
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.Error):
        return f"{name}: {error}"
    return f"{name}: {cause.sqlstate or 'no state'}, {cause.diag.constraint_name or 'no constraint'}"
