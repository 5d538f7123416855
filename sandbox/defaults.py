"""The default world: one Official Account (服务号) and one mini program (小程序) of one chain brand, linked together.

Every key of a configuration file replaces the key of the same name here as a whole. All secrets are demo values.
"""

from typing import Any

OA_APPID = "wx5a0db7a000000001"
MP_APPID = "wx5a0db7b000000001"

DEFAULT_ACCOUNTS: list[dict[str, Any]] = [
    {
        "appid": OA_APPID,
        "kind": "oa",
        "name": "示例连锁服务号",
        "original_id": "gh_demo00000001",
        "secret": "5a0d0000000000000000000000000001",
        "token": "sandboxoatoken",
        "aes_key": "sandboxOfficialAccountKey0123456789abcdefgh",
        "push_mode": "safe",
        "push_url": f"http://127.0.0.1:8000/callbacks/wechat/{OA_APPID}",
        "push_format": "xml",
        "oauth_domains": ["127.0.0.1", "localhost"],
        "js_domains": ["127.0.0.1", "localhost"],
        "linked_mps": [MP_APPID],
    },
    {
        "appid": MP_APPID,
        "kind": "mp",
        "name": "示例连锁会员",
        "original_id": "gh_demo00000002",
        "secret": "5a0d0000000000000000000000000002",
        "token": "sandboxmptoken",
        "aes_key": "sandboxMiniProgramKey0123456789abcdefghijkl",
        "push_mode": "safe",
        "push_url": f"http://127.0.0.1:8000/callbacks/wechat/{MP_APPID}",
        "push_format": "json",
        "request_base": "http://127.0.0.1:8000",
        "pages": ["pages/index/index", "pages/card/index", "pages/check-in/index", "pages/points/index"],
    },
]

DEFAULT_TEMPLATES: list[dict[str, Any]] = [
    {
        "appid": OA_APPID,
        "template_id": "SandboxTemplatePointsChanged00000000000001",
        "kind": "template",
        "title": "积分变动通知",
        "content": "会员卡号:{{character_string1.DATA}}\n变动积分:{{number2.DATA}}\n"
        "变动原因:{{thing3.DATA}}\n积分余额:{{number4.DATA}}\n变动时间:{{time5.DATA}}",
    },
    {
        "appid": OA_APPID,
        "template_id": "SandboxTemplateMemberBound0000000000000002",
        "kind": "template",
        "title": "会员绑定成功通知",
        "content": "会员卡号:{{character_string1.DATA}}\n会员等级:{{thing2.DATA}}\n绑定时间:{{time3.DATA}}",
    },
    {
        "appid": MP_APPID,
        "template_id": "SandboxSubscribePointsChanged0000000000003",
        "kind": "subscribe",
        "title": "积分变动提醒",
        "content": "变动原因:{{thing1.DATA}}\n变动积分:{{number2.DATA}}\n"
        "积分余额:{{number3.DATA}}\n变动时间:{{time4.DATA}}",
    },
    {
        "appid": MP_APPID,
        "template_id": "SandboxSubscribeMemberBound000000000000004",
        "kind": "subscribe",
        "title": "入会成功通知",
        "content": "会员卡号:{{character_string1.DATA}}\n会员等级:{{thing2.DATA}}\n入会时间:{{time3.DATA}}",
    },
    {
        "appid": OA_APPID,
        "template_id": "SandboxTemplateBindingCode0000000000000005",
        "kind": "template",
        "title": "验证码通知",
        "content": "验证码:{{character_string1.DATA}}\n有效期至:{{time2.DATA}}",
    },
    {
        "appid": OA_APPID,
        "template_id": "SandboxTemplatePointsExpiring0000000000006",
        "kind": "template",
        "title": "积分到期提醒",
        "content": "到期积分:{{number1.DATA}}\n到期日期:{{date2.DATA}}\n"
        "积分余额:{{number3.DATA}}\n明细:{{thing4.DATA}}",
    },
    {
        "appid": OA_APPID,
        "template_id": "SandboxTemplateReward000000000000000000008",
        "kind": "template",
        "title": "奖励到账通知",
        "content": "奖励来源:{{thing1.DATA}}\n奖励内容:{{thing2.DATA}}\n到账时间:{{time3.DATA}}",
    },
    {
        "appid": OA_APPID,
        "template_id": "SandboxTemplateCommission00000000000000009",
        "kind": "template",
        "title": "佣金结算通知",
        "content": "结算日期:{{date1.DATA}}\n结算笔数:{{number2.DATA}}\n"
        "结算金额:{{amount3.DATA}}\n可提现金额:{{amount4.DATA}}",
    },
    {
        "appid": OA_APPID,
        "template_id": "SandboxTemplatePayoutOffered00000000000010",
        "kind": "template",
        "title": "待确认收款通知",
        "content": "收款金额:{{amount1.DATA}}\n确认截止:{{time2.DATA}}\n温馨提示:{{thing3.DATA}}",
    },
    {
        "appid": OA_APPID,
        "template_id": "SandboxTemplatePayoutDone00000000000000011",
        "kind": "template",
        "title": "提现到账通知",
        "content": "到账金额:{{amount1.DATA}}\n代扣税款:{{amount2.DATA}}\n到账时间:{{time3.DATA}}",
    },
    {
        "appid": OA_APPID,
        "template_id": "SandboxTemplatePayoutReturned0000000000012",
        "kind": "template",
        "title": "提现失败通知",
        "content": "提现金额:{{amount1.DATA}}\n失败原因:{{thing2.DATA}}\n退回时间:{{time3.DATA}}",
    },
    {
        "appid": MP_APPID,
        "template_id": "SandboxSubscribePointsExpiring000000000007",
        "kind": "subscribe",
        "title": "积分到期提醒",
        "content": "到期积分:{{number1.DATA}}\n到期日期:{{date2.DATA}}\n"
        "积分余额:{{number3.DATA}}\n明细:{{thing4.DATA}}",
    },
    {
        "appid": MP_APPID,
        "template_id": "SandboxSubscribeCampaign0000000000000000013",
        "kind": "subscribe",
        "title": "活动通知",
        "content": "活动名称:{{thing1.DATA}}\n活动内容:{{thing2.DATA}}\n通知时间:{{time3.DATA}}",
    },
]

DEFAULT_LIBRARY: list[dict[str, Any]] = [
    {
        "template_id_short": "43216",
        "title": "优惠券到账通知",
        "keywords": {"券名称": "thing1", "有效期至": "time2", "使用门店": "thing3"},
    },
    {
        "template_id_short": "50094",
        "title": "会员等级变更通知",
        "keywords": {"会员昵称": "name1", "当前等级": "phrase2", "变更时间": "time3"},
    },
]

DEFAULT_SMS: dict[str, Any] = {
    "secret": "sandbox-sms-secret",
    "sign": "示例连锁",
    "templates": {"verification_code": "您的验证码为{1}，{2}分钟内有效，请勿告诉他人。"},
}

# The words that each transfer scene (转账场景) demands and may show, as the platform publishes them.
DEFAULT_SCENES: dict[str, dict[str, list[str]]] = {
    "1000": {"infos": ["活动名称", "奖励说明"], "perceptions": ["现金奖励", "活动奖励"]},
    "1005": {"infos": ["岗位类型", "报酬说明"], "perceptions": ["劳务报酬", "报销款", "企业补贴", "开工利是"]},
    "1011": {"infos": ["赔付原因"], "perceptions": ["退款", "商家赔付"]},
}

DEFAULTS: dict[str, Any] = {
    "accounts": DEFAULT_ACCOUNTS,
    "open_platform": True,
    "templates": DEFAULT_TEMPLATES,
    "template_library": DEFAULT_LIBRARY,
    "sms": DEFAULT_SMS,
    "merchant": {},
    "push_timeout_seconds": 5,
    "event_delay_seconds": 0.3,
    "media_check_delay_seconds": 1,
    "content_words": {"risky": ["违规内容"], "review": ["可疑内容"]},
    "quotas": {},
}
