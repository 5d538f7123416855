"""The description of the API: OpenAPI 3.1 made from the schemas, and a page of it to read offline."""

from typing import Any, cast

from flask import Blueprint, Flask, current_app, jsonify, render_template
from flask.typing import ResponseReturnValue
from flask_smorest import Api

from miniprogram_api.v1.blueprint import PREFIX
from miniprogram_api.v1.schemas.base import ErrorAnswer

DESCRIPTION = """会员小程序接口。除登录外，所有接口以 `Authorization: Bearer <token>` 识别调用者。

时间为带时区的 ISO 8601，积分为整数，列表用 `cursor` 翻页。会产生积分变化的请求可带 `Idempotency-Key`，
同一请求重复提交得到第一次的结果；领券必须带。错误统一为 `{"error": {"code", "message", "details"}, "request_id"}`。"""


class _Api(Api):  # type: ignore[misc]
    """flask-smorest without its own error handlers: ours have one shape for everything."""

    ERROR_SCHEMA = ErrorAnswer

    def _register_error_handlers(self) -> None:
        """Leave errors to ``miniprogram_api.errors``."""


blueprint = Blueprint("miniprogram_docs", __name__, url_prefix=PREFIX)


@blueprint.get("/openapi.json")
def description() -> ResponseReturnValue:
    """Serve the description for programs."""
    return jsonify(_spec())


@blueprint.get("/docs")
def page() -> ResponseReturnValue:
    """Serve the description for people; page and style are the application's, one for all its APIs."""
    return render_template("api_docs.html", spec=_spec())


def install(app: Flask) -> Api:
    """Put the description on the application; return where to register what it describes."""
    api = _Api(
        app,
        spec_kwargs={
            "title": "会员小程序接口",
            "version": "1",
            "openapi_version": "3.1.0",
            "info": {"description": DESCRIPTION},
            "security": [{"session": []}],
        },
    )
    api.spec.components.security_scheme("session", {"type": "http", "scheme": "bearer"})
    app.extensions["miniprogram_openapi"] = api
    app.register_blueprint(blueprint)
    return api


def _spec() -> dict[str, Any]:
    return cast(dict[str, Any], current_app.extensions["miniprogram_openapi"].spec.to_dict())
