"""Words (用语) that a rule of the platform or the law forbids in a campaign, or that somebody should look at.

Each rule is a line of data: what is looked for, what the finding says, and the rule's source as one can look it up.
Patterns name what makes the words unlawful, so that the same words said of facts (最多、最晚、第一次) pass.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from loyalty.campaigns.rules.findings import Severity

_NO_RANK = r"(?!会员|用户|城市|[及或]?以[上下])"
"""A level of members or of cities is none of those who are paid for others."""
ADVERTISING_LAW_9 = "《广告法》第九条第（三）项：不得使用“国家级”“最高级”“最佳”等用语"
PROMOTIONS = "《规范促销行为暂行规定》（市场监管总局令第32号）"
PYRAMIDS = "《禁止传销条例》第七条；微信《关于整顿非法分销模式行为的公告》：最多两级"
PIPL_16 = "《个人信息保护法》第十六条：不得以不同意为由拒绝提供服务"


@dataclass(frozen=True, slots=True)
class WordRule:
    """One thing that texts must not say, or that somebody should look at."""

    code: str
    severity: Severity
    source: str
    message: str
    pattern: re.Pattern[str]


def _must(code: str, source: str, message: str, *patterns: str) -> WordRule:
    return WordRule(code, Severity.MUST_FIX, source, message, re.compile("|".join(patterns)))


def _look(code: str, source: str, message: str, *patterns: str) -> WordRule:
    return WordRule(code, Severity.WARNING, source, message, re.compile("|".join(patterns)))


WORD_RULES: Sequence[WordRule] = (
    _must(
        "absolute_words",
        ADVERTISING_LAW_9,
        "绝对化用语，请删除或换成可以证明的具体说法",
        r"国家级|世界级|宇宙级|最高级|最顶级|顶级|极品|独一无二|绝无仅有|史无前例|无与伦比",
        r"万能(?!充电|胶|钥匙|遥控|转换|插[头座排])",
        r"最(?:佳|好|优|强|棒|赞|便宜|实惠|优惠|划算|先进|权威|安全|大(?:优惠|力度|折扣|福利)|低价)",
        r"(?:全网|全国|全球|全城|行业|同城|历史|史上|业内)最[低高大强优好]",
        r"(?:全[网国球城省市]|行业|同城|销量|口碑|品质|世界|亚洲|中国)(?:排名)?第一(?![次单件杯份步笔])|(?:销量|口碑|排名)[^。，；\n]{0,6}第一|第一(?:品牌|名店|选择)|No\.?\s*1",
        r"最低价|百分之百(?:有效|安全)|100%\s*(?:有效|安全|满意)",
    ),
    _look(
        "superlative_words",
        ADVERTISING_LAW_9,
        "可能被视为绝对化用语，请确认有事实依据",
        r"最(?:受欢迎|畅销|热|火|新|爱)|唯一|首选|冠军|领先|王牌|空前|绝对",
    ),
    _must(
        "more_levels",
        PYRAMIDS,
        "奖励不得按多级下线或团队计算",
        r"(?:[三四五六七八九多]|[3-9]|无限)\s*级\s*(?:分销|佣金|返利|返佣|代理|推广|裂变|下级)",
        rf"(?:分销|返利|返佣|佣金|裂变)[^。，；、\n]{{0,3}}?(?:[三四五六七八九多]|[3-9]|无限)\s*级{_NO_RANK}",
        r"发展下线|(?:你|您|我|自己)的下线|下线(?:会员|人数|成员|消费|业绩|越多|购买)",
        r"(?:团队|伞下|层级)(?:计酬|奖励|业绩|佣金|提成|返利)|拉人头|人头(?:费|奖)",
    ),
    _must(
        "entry_fee",
        PYRAMIDS,
        "不得以缴费或购买作为发展他人、获得奖励的资格",
        r"(?:缴纳|交纳|交|支付)[^。；\n]{0,8}(?:入会费|加盟费|代理费|门槛费|会费)[^。\n]{0,20}(?:邀请|推荐|推广|发展|佣金|返利)",
    ),
    _must(
        "final_interpretation",
        "《侵害消费者权益行为处罚办法》第十二条：不得规定经营者享有最终解释权",
        "不得声明“最终解释权”，请删除",
        r"最终(?:的)?解释权|解释权(?:归|属|由)|保留(?:一切|所有|最终)(?:解释|权利)",
    ),
    _must(
        "medical_claim",
        "《广告法》第十七条：非医疗广告不得涉及疾病治疗功能",
        "不得宣称疾病治疗或医疗效果",
        r"治疗|治愈|根治|疗效|药到病除|抗癌|防癌|降血[压糖脂]|包治",
    ),
    _must(
        "coerced_consent",
        PIPL_16,
        "不得因会员退订或不同意接收营销信息而减少其权益",
        r"(?:退订|关闭(?:通知|消息|推送|订阅)|拒收|拒绝接收|不同意接收)[^。；\n]{0,12}(?:取消|扣除|清零|降级|停用|冻结|失去|作废)",
        r"(?:不可|不能|无法|不得)退订",
    ),
    _must(
        "asks_for_secrets",
        "《个人信息保护法》第六条、第二十八条；《微信公众平台运营规范》：不得恶意获取用户隐私",
        "活动文案不得索要身份证号、银行卡、密码或验证码",
        r"(?:提供|填写|回复|发送|输入|上传|告知)[^。；\n]{0,10}(?:身份证|银行卡|支付密码|密码|验证码)",
    ),
    _must(
        "state_symbols",
        "《广告法》第九条第（一）（二）项：不得使用国旗、国徽，不得使用国家机关及其工作人员的名义或形象",
        "不得使用国家机关、国家领导人的名义",
        r"国家领导人|国旗|国徽|人民大会堂|国宴|中南海|(?:国家机关|军队|部队|国务院)(?:特供|专供|推荐)|特供",
    ),
    _look(
        "cash_for_points",
        "《单用途商业预付卡管理办法（试行）》；积分不是货币",
        "积分不应承诺兑换现金或提现",
        r"积分[^。；\n]{0,6}(?:提现|兑换现金|兑现|换现金|变现)",
    ),
    _look(
        "doubtful_urgency",
        PROMOTIONS + "第五条：活动信息应当真实准确",
        "请确认期限或数量属实",
        r"仅此一次|错过再等|最后一天|手慢无|即将售罄",
    ),
)

SECOND_LEVEL = _must(
    "more_levels",
    PYRAMIDS,
    "两级奖励须先在佣金方案中开启并确认风险",
    r"[二两2]\s*级\s*(?:分销|佣金|返利|返佣|代理|推广|奖励)|好友再邀请|好友的好友|间接邀请",
    rf"(?:分销|返利|返佣|佣金)[^。，；、\n]{{0,3}}?[二两2]\s*级{_NO_RANK}",
)
"""Unlawful where no second level of commission was switched on."""

CHANCE = re.compile(r"抽奖|大转盘|转盘|刮刮[乐卡]|盲盒|摇奖|开奖|中奖|锦鲤|福袋|砸金蛋|幸运会员")
PUBLISHED_ODDS = re.compile(r"概率|中奖率|几率|(?:共|限|计|各)?\s*\d[\d,]*\s*(?:名|份|个|台|张|人|件)")
PUBLISHED_DRAW = re.compile(r"开奖|即抽即中|即时开奖|当场|公布(?:名单|结果)|兑奖|领奖|抽取")
PRIZE_AMOUNT = re.compile(
    r"(?:奖(?:品|金)?|大奖|价值|锦鲤)[^。；\n]{0,15}?(\d[\d,]*(?:\.\d+)?)\s*(万)?\s*元", re.DOTALL
)
PRIZE_MAX_YUAN = 50_000

MARKETING_WORDS = re.compile(r"优惠|折|特价|促销|活动|福利|立减|满减|抢购|秒杀|新品|上新|好礼|免费|大礼|领取|限时|专享")
LEAVING_WORDS = re.compile(r"退订|拒收|不再接收|关闭(?:通知|消息|推送|订阅)|消息设置|通知设置|取消订阅")
