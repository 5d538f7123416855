"""The stranger's mini-program backend: fixed answers of the shape the phone's mini program asks for."""

from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, request

if TYPE_CHECKING:
    from tests.sandbox_phone.stranger import Stranger

MP_TEMPLATE = "MpSubscription00000000000000000000000000001"
PREFIX = "/miniprogram/v1"
TODAY = "2026-03-10"


def mini_program(stranger: "Stranger") -> Blueprint:
    """The routes, guarded by the token of the last login; what arrives is noted in ``stranger.seen``."""
    routes = Blueprint("mini_program", __name__, url_prefix=PREFIX)

    routes.before_request(lambda: _refused(stranger))

    def sessions() -> Any:
        stranger.logins += 1
        return jsonify(token=f"token-{stranger.logins}", is_member=stranger.is_member), 201

    def me() -> Any:
        return jsonify(is_member=stranger.is_member, member=_MEMBER if stranger.is_member else None)

    def bound() -> Any:
        stranger.is_member = stranger.binding in ("enrolled", "joined")
        return jsonify(_BINDINGS[stranger.binding])

    def proved(review_id: int) -> Any:
        stranger.binding = "joined"
        return bound()

    def check_in() -> Any:
        stranger.checked_in = True
        stranger.seen.append(("key", request.headers.get("Idempotency-Key")))
        told = {"checked_in_on": TODAY, "streak": 3, "points": 10, "bonus_points": 0, "balance": 30}
        return jsonify(**told, reason="签到第 3 天，得 10 积分"), 201

    routes.post("/sessions")(sessions)
    routes.get("/me")(me)
    routes.post("/phone")(bound)
    routes.post("/phone/sms", endpoint="bound_by_sms")(bound)
    routes.post("/phone/sms-codes", endpoint="sms_codes")(lambda: ("", 202))
    routes.post("/binding-reviews/<int:review_id>/code")(proved)
    routes.post("/merge-proposals/4/proofs", endpoint="proofs")(lambda: jsonify(is_one_of_both=True))
    routes.post("/merge-proposals/4/agreement", endpoint="agreement")(lambda: ("", 202))
    routes.get("/check-ins")(lambda: jsonify(_calendar(stranger.checked_in)))
    routes.post("/check-ins", endpoint="check_in")(check_in)
    routes.post("/subscription-grants", endpoint="grants")(lambda: jsonify(items=[]))
    routes.post("/inbox/7/read", endpoint="read")(lambda: ("", 204))
    for path, answer in _FIXED.items():
        routes.add_url_rule(path, path.replace("/", "_"), lambda answer=answer: jsonify(answer))
    return routes


def _refused(stranger: "Stranger") -> Any:
    path = request.path.removeprefix(PREFIX)
    stranger.seen.append((path, request.get_json(silent=True)))
    if path == "/sessions":
        return None
    if request.headers.get("Authorization") != f"Bearer token-{stranger.logins}":
        return _error(401, "session_invalid", "请重新登录")
    return _error(503, "unavailable", "系统繁忙，请稍后再试") if stranger.is_down else None


def _error(status: int, code: str, message: str) -> Any:
    return jsonify(error={"code": code, "message": message, "details": {}}, request_id="r"), status


def _calendar(checked_in: bool) -> dict[str, Any]:
    days = [{"on": "2026-03-08", "points": 5}, {"on": "2026-03-09", "points": 5}]
    if checked_in:
        days.append({"on": TODAY, "points": 10})
    preview = [
        {"on": f"2026-03-{day}", "streak": day - 7, "points": 10, "bonus_points": 20 * (day == 14)}
        for day in range(11, 18)
    ]
    return {
        "month": "2026-03", "today": TODAY, "checked_in_today": checked_in, "streak": 2 + checked_in,
        "days": days, "preview": preview,
    }  # fmt: skip


_MEMBER = {
    "number": "600000000018", "nickname": "小林", "phone_masked": "138****0001", "status": "active",
    "tier": {"name": "银卡", "level": 1, "growth": 120, "next_name": "金卡", "next_threshold": 500},
    "enrolled_at": "2026-03-01T10:00:00+08:00", "is_birthday_set": False, "points_available": 20, "unread": 1,
}  # fmt: skip
_SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h4v4H0zM5 5h4v4H5z"/></svg>'
_BINDINGS: dict[str, dict[str, Any]] = {
    "enrolled": {"outcome": "enrolled", "message": "入会成功，欢迎加入", "review_id": None, "proposal_id": None},
    "joined": {"outcome": "joined", "message": "已关联您的会员账户", "review_id": None, "proposal_id": None},
    "review": {"outcome": "needs_second_proof", "message": "请完成身份核验", "review_id": 3, "proposal_id": None},
    "merge": {"outcome": "merge_offered", "message": "您有两个会员账户", "review_id": None, "proposal_id": 4},
}
_FIXED: dict[str, Any] = {
    "/privacy-texts": {
        "points_expiry": "积分长期有效",
        "items": [
            {"purpose": "service_terms", "version": "1", "title": "服务协议", "body": "第一条", "is_required": True},
            {"purpose": "marketing", "version": "1", "title": "营销消息", "body": "随时可以退订", "is_required": False},
        ],
    },
    "/points": {
        "balance": 30, "available": 20, "pending": 10, "held": 0, "debt": 0,
        "soonest_expiry": {"expires_at": "2027-03-31T23:59:59+08:00", "points": 20},
    },
    "/points/entries": {
        "items": [
            {"id": 2, "kind": "spend", "points": -5, "balance_after": 30, "occurred_at": "2026-03-09T09:00:00+08:00",
             "reason": "兑换咖啡券", "explanation": {"rule": "exchange"}},
            {"id": 1, "kind": "earn", "points": 10, "balance_after": 35, "occurred_at": "2026-03-08T09:00:00+08:00",
             "reason": "连续签到第 1 天", "explanation": {"rule": "check_in"}},
        ],
        "next_cursor": None,
    },
    "/member-code": {
        "code": "880012345678901234", "display": "8800 1234 5678 9012 34", "valid_until": "2099-01-01T00:00:00+08:00",
        "qr_svg": _SVG,
    },
    "/inbox": {
        "items": [{"id": 7, "title": "入会成功", "body": "欢迎成为会员", "created_at": "2026-03-08T09:00:00+08:00",
                   "read_at": None}],
        "next_cursor": None, "unread": 1,
    },
    "/subscription-templates": {
        "items": [{"template_id": MP_TEMPLATE, "title": "积分变动提醒", "kind": "points_changed"}],
    },
}  # fmt: skip
