"""The rotating member code (会员码) for the till."""

from typing import Any

from loyalty.kernel.qr import qr_svg
from loyalty.members.rules.member_code import current_code
from miniprogram_api.context import container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import members as schemas

blueprint = subject("member_codes", __name__, description="Be recognised at the till.")


@blueprint.get("/member-code")
@blueprint.response(200, schemas.MemberCode)
def show_code() -> dict[str, Any]:
    """Show the code of this minute; ask again when valid_until has passed."""
    code = current_code(container().settings.member_code_key, member_id(), container().clock.now())
    return {
        "code": code.code,
        "display": code.display,
        "valid_until": code.valid_until,
        "qr_svg": qr_svg(code.code, scale=6),
    }
