"""WeChat Pay (微信支付) through wechatpayv3, with its traps closed; see ``pay_protocols`` for what is promised.

wechatpayv3 2.0.4 alone waits for ever, fetches certificates on a stranger's word, accepts old callbacks, drops a name
that it should refuse, and logs everything when given a logger.
"""

from loyalty.gateways.wechatpay.gateway import WechatPayGateway

__all__ = ["WechatPayGateway"]
