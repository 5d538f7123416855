"""The empty Flask route: what Flask and the web server cost by themselves."""

from flask import Flask, Response


def wsgi() -> Flask:
    """Make an application with one route that does nothing."""
    app = Flask("bare")

    @app.route("/empty", methods=["GET", "POST"])
    def empty() -> Response:
        return Response(b"{}", mimetype="application/json")

    return app
