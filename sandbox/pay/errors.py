"""The refusals of WeChat Pay: a code with its HTTP status and text. Unlike the other hosts it uses real statuses."""


class PayError(Exception):
    """A call is refused with ``code``; ``text`` replaces the standing message."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.status, standing = refusal(code)
        self.text = text or standing


def refusal(code: str) -> tuple[int, str]:
    """The usual status and message of a code; 400 for one that only a fault can bring."""
    return REFUSALS.get(code, (400, "请求被拒绝"))


REFUSALS = {
    "PARAM_ERROR": (400, "参数错误"),
    "INVALID_REQUEST": (400, "请求不符合业务规则"),
    "ALREADY_EXISTS": (400, "单号已存在但信息不一致，请查单后比较确认"),
    "APPID_MCHID_NOT_MATCH": (400, "商户号与AppID不匹配"),
    "NO_STATEMENT_EXIST": (400, "请求的账单文件不存在"),
    "USER_ERROR": (400, "当前商户存在异常，暂时无法进行转账。"),
    "SIGN_ERROR": (401, "签名错误"),
    "NO_AUTH": (
        403,
        "当前商户号接入升级版本功能，暂不支持使用升级前功能，请按升级后的商家转账产品文档接入。",
    ),
    "NOT_ENOUGH": (403, "商户运营账户资金不足，充值后可以原单号发起重试，请勿更换商户单号"),
    "NOT_FOUND": (404, "记录不存在"),
    "FREQUENCY_LIMITED": (429, "请求过于频繁，请稍后重试"),
    "FREQUENCY_LIMIT": (429, "请求过于频繁，请稍后重试"),
    "FREQUENCY_LIMIT_EXCEED": (429, "请求过于频繁，请稍后重试"),
    "RATELIMIT_EXCEEDED": (429, "请求过于频繁，请稍后重试"),
    "SYSTEM_ERROR": (500, "系统错误，请查单后以原单号重试"),
}
