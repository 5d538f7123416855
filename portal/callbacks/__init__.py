"""What WeChat and WeChat Pay push to us: proved, stored once, answered at once; the effects follow in ``jobs``.

Every push carries its own proof, so these addresses have neither sessions nor CSRF tokens.
"""

from portal.callbacks import wechat, wechatpay
from portal.callbacks.blueprint import blueprint

__all__ = ["blueprint", "wechat", "wechatpay"]
