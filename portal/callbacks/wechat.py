"""Pushes of our Official Accounts and mini programs, one address for each appid."""

from flask import Response, request

from loyalty.channels import service
from loyalty.channels.rules.pushes import read_push
from loyalty.gateways.pushes import PushQuery
from loyalty.kernel.transaction import run
from portal.callbacks.blueprint import blueprint, desk, plain
from portal.context import container

BODY_BYTES_MAX = 64 * 1024
NOTHING_TO_SAY = "success"


@blueprint.get("/wechat/<appid>")
def verify_address(appid: str) -> Response:
    """Prove to WeChat that this address is ours (服务器配置)."""
    desk().seal(appid).prove_address(PushQuery.of(request.args), at=container().clock.now())
    return plain(request.args.get("echostr", ""))


@blueprint.post("/wechat/<appid>")
def receive(appid: str) -> Response:
    """Take a push: store it, then answer with what its first try was answered."""
    request.max_content_length = BODY_BYTES_MAX
    seal, at = desk().seal(appid), container().clock.now()
    push = seal.open(PushQuery.of(request.args), request.get_data(cache=False), at=at)
    database = container().database
    reply = desk().reply_to(database, appid=appid, content=read_push(push.fields))
    stored = run(
        database,
        lambda session: service.store_push(
            session,
            container().vault,
            appid=appid,
            mode=push.mode,
            fields=push.fields,
            reply_text=reply,
            at=at,
        ),
    )
    if stored.reply_text is None:
        return plain(NOTHING_TO_SAY)
    answer = seal.reply(push, text=stored.reply_text, at=at)
    return Response(answer, content_type="application/xml; charset=utf-8")
