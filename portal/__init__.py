"""Door: everything on the web that is not the mini program.

Pages of members and clerks (``h5``), the staff's back office (``console``) and what WeChat pushes
to us (``callbacks``). A door parses, authorises, calls one service function and renders.
"""

from flask import Flask

from loyalty.settings import Settings
from portal import callbacks, console, h5, ops, web
from portal.commands import groups


def register(app: Flask, settings: Settings) -> None:
    """Put the portal's pages, hooks and commands on the application."""
    web.install(app, settings)
    for blueprint in (ops.blueprint, h5.blueprint, console.blueprint, callbacks.blueprint):
        app.register_blueprint(blueprint)
    web.csrf.exempt(callbacks.blueprint)
    for group in groups:
        app.cli.add_command(group)
