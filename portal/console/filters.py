"""How values look on console pages."""

from datetime import datetime

from flask.sansio.app import App

from portal.context import container


def local_time(value: datetime | None) -> str:
    """Return an instant in the programme's time zone, to the minute."""
    if value is None:
        return "—"
    return value.astimezone(container().zone).strftime("%Y-%m-%d %H:%M")


def local_time_exact(value: datetime | None) -> str:
    """Return an instant in the programme's time zone, to the second."""
    if value is None:
        return "—"
    return value.astimezone(container().zone).strftime("%Y-%m-%d %H:%M:%S")


def grouped(value: int | None) -> str:
    """Return a figure with separators between thousands."""
    return "—" if value is None else f"{value:,}"


def signed(value: int) -> str:
    """Return a change with its sign."""
    return f"{value:+,}"


def install(app: App) -> None:
    """Make the filters known to the templates."""
    app.jinja_env.filters.update(
        local_time=local_time,
        local_time_exact=local_time_exact,
        grouped=grouped,
        signed=signed,
    )
