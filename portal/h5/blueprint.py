"""The blueprint of the member pages: guarded by default, refusals shown as pages."""

from datetime import datetime

from flask import Blueprint, g
from markupsafe import Markup

from loyalty.kernel.qr import qr_svg
from portal import errors
from portal.context import container
from portal.h5 import session
from portal.vendor import vendor

blueprint = Blueprint("h5", __name__, url_prefix="/h5", template_folder="templates")
blueprint.before_request(session.guard)
errors.install(blueprint, template="h5/error.html")


@blueprint.context_processor
def _common() -> dict[str, object]:
    caller, settings = g.get("caller"), container().settings
    return {
        "programme_name": settings.programme_name,
        "is_member": bool(caller and caller.member_id),
        "vendor": vendor,
        # The simulated phone learns by it which page it shows, so a trial loads it everywhere.
        "simulated_js_sdk": f"{settings.wechat_sandbox_url}/jssdk.js" if settings.wechat_sandbox_url else None,
        "qr_svg": lambda content: Markup(qr_svg(content)),  # noqa: S704 - drawn by us from digits
    }


@blueprint.app_template_filter("local_date")
def _local_date(instant: datetime) -> str:
    return f"{instant.astimezone(container().zone):%Y-%m-%d}"
