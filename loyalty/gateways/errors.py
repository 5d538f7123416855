"""What can go wrong at a gateway, in our words; a door shows the message as it stands."""

from loyalty.kernel.errors import InvalidInput, LimitReached, NotAllowed, Unavailable


class WechatUnavailable(Unavailable):
    """WeChat does not answer, or says that it is busy; nothing is wrong on our side."""

    code = "wechat_unavailable"
    message = "微信暂时没有响应，请稍后再试"


class WechatMisconfigured(Unavailable):
    """WeChat refuses us: appid, secret, IP list, permission or a punished account. Page someone."""

    code = "wechat_misconfigured"
    message = "微信接口配置有误，请联系管理员"


class WechatQuotaUsed(LimitReached):
    """The platform's own quota of the interface is used up, for a minute or for the day."""

    code = "wechat_quota_used"
    message = "微信接口调用过于频繁，请稍后再试"


class WechatCodeInvalid(InvalidInput):
    """The one-time code is wrong or too old; the page must ask WeChat for a new one."""

    code = "wechat_code_invalid"
    message = "微信授权已失效，请重新进入页面"


class WechatCodeUsed(WechatCodeInvalid):
    """The one-time code was used before, as after a reload of the page it returned to."""

    code = "wechat_code_used"
    message = "微信授权已使用，请重新进入页面"


class WechatUserBlocked(NotAllowed):
    """WeChat holds this user for high risk and refuses the login."""

    code = "wechat_user_blocked"
    message = "当前微信账号暂时无法登录"


class WechatIdentityUnknown(InvalidInput):
    """The openid is wrong or belongs to another account."""

    code = "wechat_identity_unknown"
    message = "微信身份不正确"


class WechatProfileRefused(NotAllowed):
    """The user's own token is dead, or was given without consent to the profile."""

    code = "wechat_profile_refused"
    message = "未获得微信资料授权"


class WechatRequestRefused(InvalidInput):
    """WeChat found the content of a request wrong; ``details`` says why in Chinese."""

    code = "wechat_request_refused"
    message = "微信拒绝了提交的内容"


class SignatureHostRefused(NotAllowed):
    """A page that is not ours asked for a JS-SDK signature."""

    code = "signature_host_refused"
    message = "只能为本站页面生成签名"
