"""The description of the API: OpenAPI 3.1 made from the schemas, and a page of it to read offline."""

from typing import Any, cast

from flask import Blueprint, Flask, current_app, jsonify, render_template
from flask.typing import ResponseReturnValue
from flask_smorest import Api

from portal.partner_api.v1.blueprint import PREFIX
from portal.partner_api.v1.schemas.base import ErrorAnswer

DESCRIPTION = """合作系统（收银、ERP、CRM）接口。每个请求带四个请求头：`Partner-Key`、`Partner-Timestamp`（Unix 秒）、
`Partner-Nonce`（16–64 位，每次不同）和 `Partner-Signature`，
即以密钥对「方法、路径及查询串、时间、Nonce、请求体 SHA-256」五行文本计算的 HMAC-SHA256（小写十六进制）。
请求时间与服务器相差不得超过五分钟，同一 Nonce 只能用一次。

金额为整数分，积分为整数，时间为带时区的 ISO 8601。带自身单号的请求（order_number、refund_number、reference、event_id）
以单号为准，换取会员引用和登记会员须带 `Idempotency-Key`：同一请求重复提交永远得到第一次的结果，内容不同则返回 409。
密钥只能操作其授权门店；没有在这些门店消费、出示会员码或入会的会员，按手机号一律查不到。
错误统一为 `{"error": {"code", "message", "details"}, "request_id"}`。"""
HEADERS = ("Partner-Key", "Partner-Timestamp", "Partner-Nonce", "Partner-Signature")


class _Api(Api):  # type: ignore[misc]
    """flask-smorest without its own error handlers: ours have one shape for everything."""

    ERROR_SCHEMA = ErrorAnswer

    def _register_error_handlers(self) -> None:
        """Leave errors to ``portal.partner_api.errors``."""


blueprint = Blueprint("partner_docs", __name__, url_prefix=PREFIX)


@blueprint.get("/openapi.json")
def description() -> ResponseReturnValue:
    """Serve the description for programs."""
    return jsonify(_spec())


@blueprint.get("/docs")
def page() -> ResponseReturnValue:
    """Serve the description for people."""
    return render_template("api_docs.html", spec=_spec())


def install(app: Flask) -> Api:
    """Put the description on the application; return where to register what it describes."""
    api = _Api(
        app,
        config_prefix="PARTNER",
        spec_kwargs={
            "title": "合作系统接口",
            "version": "1",
            "openapi_version": "3.1.0",
            "info": {"description": DESCRIPTION},
            "security": [{header: [] for header in HEADERS}],
        },
    )
    for header in HEADERS:
        api.spec.components.security_scheme(header, {"type": "apiKey", "in": "header", "name": header})
    app.extensions["partner_openapi"] = api
    app.register_blueprint(blueprint)
    return api


def _spec() -> dict[str, Any]:
    return cast(dict[str, Any], current_app.extensions["partner_openapi"].spec.to_dict())
