"""Logs: one JSON line for each event, with the request id and without personal data."""

import logging
import sys

import structlog

_DROPPED = frozenset({"phone", "openid", "unionid", "nickname", "token", "password", "code"})


def configure(level: str) -> None:
    """Send structlog's events and the libraries' records to standard output as JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_personal_data,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
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


def _without_personal_data(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for name in _DROPPED & event.keys():
        event[name] = "[hidden]"
    return event
