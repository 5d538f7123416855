"""Content checks (内容安全) v2 of a mini program: texts at once, pictures and sound by a later event.

The words of the configuration's ``content_words`` decide: found in a text or a media address they make it risky or due
for review.
"""

from typing import Any

from sandbox.dispatch import OK, Answer, Call, endpoint
from sandbox.errors import ApiError
from sandbox.push import event
from sandbox.visitors import visitor

LONGEST = 2500
NORMAL, OTHER, AD = 100, 21000, 10001
LABELS = {"pass": NORMAL, "review": OTHER, "risky": AD}


@endpoint("/wxa/msg_sec_check", kind="mp", day=2_000_000, minute=4000)
def check_text(call: Call) -> Answer:
    """Checks a text of at most 2,500 characters."""
    _check_frame(call)
    content = call.text("content", refuse=44002)
    if len(content) > LONGEST:
        raise ApiError(45002)
    text = " ".join([content, *(str(call.body.get(name, "")) for name in ("title", "nickname", "signature"))])
    return {**OK, "trace_id": call.world.random.hex(24), **_verdict(call, text)}


@endpoint("/wxa/media_check_async", kind="mp", day=200_000, minute=2000)
def check_media(call: Call) -> Answer:
    """Takes a picture's or sound's address; the outcome comes by ``wxa_media_check``."""
    _check_frame(call)
    url = call.text("media_url", refuse=44002)
    if call.integer("media_type", refuse=40097, default=-1) not in (1, 2):
        raise ApiError(40097)
    trace_id = call.world.random.hex(24)
    extra = {"appid": call.account.appid, "trace_id": trace_id, "version": 2, **_verdict(call, url), **OK}
    outcome = event(call.world, account=call.account, openid=call.body["openid"], name="wxa_media_check", extra=extra)
    call.later(outcome, delay=call.world.config.media_check_delay_seconds)
    return {**OK, "trace_id": trace_id}


def _check_frame(call: Call) -> None:
    visitor(call)
    if call.integer("scene", refuse=40129, default=-1) not in (1, 2, 3, 4):
        raise ApiError(40129)
    if call.body.get("version") != 2:
        raise ApiError(40097)


def _verdict(call: Call, text: str) -> dict[str, Any]:
    words = call.world.config.content_words
    suggest = next((name for name in ("risky", "review") if any(word in text for word in words.get(name, []))), "pass")
    label = LABELS[suggest]
    detail = {"strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90}
    return {"result": {"suggest": suggest, "label": label}, "detail": [detail]}
