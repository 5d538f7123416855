"""The real WeChat platform through wechatpy: the only code that knows an ``errcode``.

``WECHAT_SANDBOX_URL`` is the one switch between the sandbox and the real hosts.
"""

from loyalty.gateways.wechat.mini_program import MiniProgramGateway
from loyalty.gateways.wechat.official_account import OfficialAccountGateway

__all__ = ["MiniProgramGateway", "OfficialAccountGateway"]
