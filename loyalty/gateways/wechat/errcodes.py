"""What the platform's error codes mean to us: one table for sends, one for everything else.

Source: the official pages of each interface, and wechatpy's constants.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from requests import ConnectionError as TransportError
from requests import ConnectTimeout, RequestException
from urllib3.exceptions import MaxRetryError, NewConnectionError
from wechatpy.exceptions import WeChatException

from loyalty.gateways import errors
from loyalty.gateways.answers import SendOutcome, SendReason, SendState
from loyalty.kernel.errors import LoyaltyError

log = structlog.get_logger("gateways")

TOKEN_REFUSED = frozenset({40001, 40014, 42001})
"""Replaced, malformed or expired: worth one renewal and one more try."""

_BUSY = frozenset({-1, -1000})
_NOT_PERMITTED = TOKEN_REFUSED | {
    40002,  # grant_type
    40013,  # appid
    40125,  # secret
    40164,  # our IP is not on the white list
    61004,  # the same
    40243,  # secret frozen
    41001,
    41002,
    41004,
    43002,
    43003,
    48001,  # the account lacks the interface
    48004,  # the interface is banned
    50002,  # the account is punished
    89501,
    89503,
    89506,
    89507,
}
_QUOTA = frozenset({45009, 45011, 44990, 44991})
_ERRORS: dict[int, type[LoyaltyError]] = {
    **dict.fromkeys(_BUSY, errors.WechatUnavailable),
    **dict.fromkeys(_NOT_PERMITTED, errors.WechatMisconfigured),
    **dict.fromkeys(_QUOTA, errors.WechatQuotaUsed),
    40003: errors.WechatIdentityUnknown,
    40029: errors.WechatCodeInvalid,
    41008: errors.WechatCodeInvalid,
    42003: errors.WechatCodeInvalid,
    40163: errors.WechatCodeUsed,
    40226: errors.WechatUserBlocked,
}
_REASONS = {
    40015: "菜单按钮类型不正确",
    40016: "菜单按钮数量不正确",
    40017: "菜单按钮数量不正确",
    40018: "菜单按钮名称长度不正确",
    40019: "菜单按钮 KEY 长度不正确",
    40020: "菜单按钮链接长度不正确",
    40023: "子菜单按钮数量不正确",
    40024: "子菜单按钮类型不正确",
    40025: "子菜单按钮名称长度不正确",
    40026: "子菜单按钮 KEY 长度不正确",
    40027: "子菜单按钮链接长度不正确",
    40053: "二维码参数不正确",
    40054: "子菜单按钮链接的域名不正确",
    40055: "菜单按钮链接的域名不正确",
    40097: "小程序版本参数不正确",
    40129: "场景值过长或不正确",
    40159: "小程序页面路径不正确",
    40165: "小程序页面路径不正确",
    40169: "场景值含有不允许的字符",
    41030: "小程序页面不存在，或小程序尚未发布",
    45064: "小程序未与公众号关联",
    47001: "提交的内容格式不正确",
    65316: "菜单链接的外部域名超过 3 个",
    65317: "菜单链接不正确",
    85096: "场景值不能使用保留名称",
    200011: "账号被禁止使用订阅消息",
}

_FINAL, _RETRY, _REFUSED = SendState.FAILED_FINAL, SendState.FAILED_RETRY, SendState.REFUSED
_SENDS: dict[int, tuple[SendState, SendReason]] = {
    **dict.fromkeys(_BUSY, (_RETRY, SendReason.BUSY)),
    **dict.fromkeys(_NOT_PERMITTED, (_FINAL, SendReason.NOT_PERMITTED)),
    45009: (_RETRY, SendReason.QUOTA_USED),
    45011: (_RETRY, SendReason.BUSY),
    44990: (_RETRY, SendReason.BUSY),
    44991: (_RETRY, SendReason.BUSY),
    40003: (_FINAL, SendReason.IDENTITY_UNKNOWN),
    # Seen in bursts for good ids: one more try later is worth it, the caller bounds them.
    40037: (_RETRY, SendReason.TEMPLATE_UNKNOWN),
    43116: (_FINAL, SendReason.TEMPLATE_UNKNOWN),
    43004: (_REFUSED, SendReason.NOT_FOLLOWING),
    43019: (_REFUSED, SendReason.BLOCKED_BY_RECEIVER),
    48002: (_REFUSED, SendReason.BLOCKED_BY_RECEIVER),
    45015: (_REFUSED, SendReason.WINDOW_CLOSED),
    45047: (_REFUSED, SendReason.WINDOW_CLOSED),
    43101: (_REFUSED, SendReason.NO_GRANT),
    45002: (_FINAL, SendReason.VALUE_REFUSED),
    47003: (_FINAL, SendReason.VALUE_REFUSED),
    40165: (_FINAL, SendReason.PAGE_UNKNOWN),
    41030: (_FINAL, SendReason.PAGE_UNKNOWN),
}


def send_outcome(errcode: int, errmsg: str) -> SendOutcome:
    """Return what a refusal means for a message."""
    state, reason = _SENDS.get(errcode, (_FINAL, SendReason.OTHER))
    return SendOutcome(state, reason, errcode=errcode, detail=errmsg)


def attempt(send: Callable[[], SendOutcome]) -> SendOutcome:
    """Turn everything that can happen to a send into an outcome; nothing is raised."""
    try:
        return send()
    except errors.WechatUnavailable:
        return SendOutcome(_RETRY, SendReason.BUSY, detail="no access token")
    except WeChatException as error:
        if error.errcode is None:  # an HTTP status instead of an answer
            return SendOutcome(SendState.UNKNOWN, SendReason.NO_ANSWER, detail="http error")
        return send_outcome(int(error.errcode), str(error.errmsg))
    except RequestException as error:
        if _never_left(error):
            return SendOutcome(_RETRY, SendReason.NO_ANSWER, detail="no connection")
        return SendOutcome(SendState.UNKNOWN, SendReason.NO_ANSWER, detail=type(error).__name__)


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turn every error of the libraries into one of ``gateways.errors``.

    The cause is cut off: the texts of transport errors hold addresses with secrets in them.
    """
    try:
        yield
    except WeChatException as error:
        raise _translated(error) from None
    except RequestException as error:
        log.warning("wechat_unavailable", error=type(error).__name__)
        raise errors.WechatUnavailable from None
    except (KeyError, ValueError, TypeError) as error:
        log.warning("wechat_answer_unreadable", error=repr(error))
        raise errors.WechatUnavailable from None


def _translated(error: WeChatException) -> LoyaltyError:
    if error.errcode is None:
        return errors.WechatUnavailable()
    errcode = int(error.errcode)
    kind = _ERRORS.get(errcode)
    if kind is not None:
        return kind(errcode=errcode)
    reason = _REASONS.get(errcode, f"微信返回错误 {errcode}")
    return errors.WechatRequestRefused(errcode=errcode, reason=reason)


def _never_left(error: RequestException) -> bool:
    """Tell whether no connection came about, so that nothing can have been sent."""
    if isinstance(error, ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return (
        isinstance(error, TransportError)
        and isinstance(cause, MaxRetryError)
        and isinstance(cause.reason, NewConnectionError)
    )
