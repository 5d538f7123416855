"""The blueprint of the phone's pages and the rules under which a browser shows them.

No script or style stands inside a page, and nothing comes from another host but what the web view frames.
"""

from flask import Blueprint, Response

blueprint = Blueprint(
    "phone", "sandbox.phone", template_folder="templates", static_folder="static", static_url_path="/phone/static"
)

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src http: https:; base-uri 'none'; object-src 'none'"
)


@blueprint.after_request
def protect(response: Response) -> Response:
    """Forbids inline script, and keeps browsers from showing yesterday's files after an update."""
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("Cache-Control", "no-cache")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
