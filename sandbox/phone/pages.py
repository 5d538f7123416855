"""The phone page, the JS-SDK stand-in and the list of QR codes a person may scan."""

from flask import Response, jsonify, render_template

from sandbox.phone.door import blueprint
from sandbox.world import World, current_world

MOST_CODES = 100


@blueprint.get("/")
def phone_page() -> str:
    """The phone (沙箱手机)."""
    return render_template("phone/phone.html")


@blueprint.get("/jssdk.js")
def jssdk() -> Response:
    """The script that pages load in place of jweixin."""
    script = blueprint.send_static_file("jssdk.js")
    script.headers["Access-Control-Allow-Origin"] = "*"
    script.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return script


@blueprint.get("/phone/codes")
def codes() -> Response:
    """The newest codes and links made through the platform's API: what each holds, and whether it still works."""
    return jsonify(items=_codes(current_world()))


def _codes(world: World) -> list[dict[str, object]]:
    rows = world.store.rows(
        "SELECT * FROM (SELECT rowid AS place, 'account' AS kind, appid, url, ticket, scene, expires_at FROM qr_tickets"
        " ORDER BY rowid DESC LIMIT ?1)"
        " UNION ALL SELECT * FROM (SELECT rowid, kind, appid, url, NULL, path || '?' || query, expires_at FROM links"
        " ORDER BY rowid DESC LIMIT ?1)",
        MOST_CODES,
    )
    now = world.clock.now()
    return [
        {name: row[name] for name in ("kind", "appid", "url", "ticket", "scene")}
        | {"is_expired": row["expires_at"] is not None and row["expires_at"] <= now}
        for row in rows
    ]
