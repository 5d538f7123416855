"""Door: time and the outbox. Workers, the relay, the ticker and what they call.

Handlers and periodic jobs call one service function in one transaction each, like the other doors;
every one of them may run twice.
"""

from flask import Flask

from jobs.commands import group


def register(app: Flask) -> None:
    """Put the commands of this door on the application."""
    app.cli.add_command(group)
