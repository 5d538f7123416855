"""The demo texts that members agree to (会员服务协议, 隐私政策, 营销信息授权)."""

from datetime import datetime

from loyalty.kernel.database import Session
from loyalty.members.queries import find_text
from loyalty.members.rules.consents import Purpose, TextVersion
from loyalty.members.service import publish_text
from portal.demo.chain import ACTOR

VERSION = "2026.1"

_SERVICE_TERMS = """\
欢迎加入示例连锁会员。请您在入会前仔细阅读本协议；勾选同意并完成手机号绑定，即表示您接受以下内容。

一、入会
1. 年满十四周岁、持有本人手机号的顾客均可免费入会，一个手机号对应一个会员账户。
2. 您可以通过公众号、小程序或门店扫码入会，在任一渠道入会后，各渠道共用同一会员账户。
3. 会员身份仅限本人使用，不得转让、出租或出售。

二、积分
1. 积分通过签到、消费及门店公示的活动获得，每一笔积分的来源和规则都可以在“积分明细”中查看。
2. 除另有说明外，积分自获得之日起一年内有效，到期未使用的自动失效；使用时优先扣减最先到期的积分。
3. 积分不能兑换现金，不能在会员之间买卖。
4. 发生退款时，因该笔消费获得的积分同时收回，已使用的积分退回原批次并保持原有效期。

三、等级与权益
会员等级由成长值决定，升级后立即生效。各等级权益以会员卡页面公示为准。

四、规范使用
通过批量注册、虚假交易、外挂程序等不正当手段获取的积分和权益，我们有权冻结或收回，并告知您原因；您可以通过公众号留言或到门店申诉。

五、协议变更与终止
1. 协议内容发生重大变更时，我们会提前在公众号和小程序公示，并请您重新确认。
2. 您可以随时申请注销会员。等待期内可以撤回申请；注销完成后，积分和权益清零且不能恢复。
"""

_PRIVACY = """\
示例连锁重视您的个人信息。本政策说明我们收集哪些信息、为什么收集、如何保护，以及您拥有的权利。

一、我们收集的信息
1. 微信标识（openid、unionid）：用于登录，并识别您在不同渠道的同一身份。
2. 手机号：用于建立会员账户、在门店识别会员以及发送验证码。
3. 昵称、生日：由您自愿填写，用于称呼您和提供生日权益，不填写不影响使用。
4. 积分、签到、等级和门店记录：在您使用会员服务时产生，用于提供服务和对账。

二、我们如何使用和保护
1. 手机号、昵称和生日加密保存；工作人员默认只能看到脱敏后的内容，查看完整手机号须经授权，并留有记录。
2. 我们不会出售您的个人信息。除通过短信服务商发送验证码、通过微信发送服务通知外，不向第三方提供。
3. 信息保存在中国境内的服务器，仅在实现上述目的所需的期限内保存。

三、您的权利
1. 您可以在“我的 › 设置”中查看、更正个人资料，更换手机号，退订通知，导出我们持有的全部个人信息。
2. 您可以随时撤回营销信息授权，撤回不影响会员服务。
3. 您可以申请注销会员。等待期满后，个人信息将被删除，仅保留无法识别到个人的积分账目。

四、未成年人
我们不为未满十四周岁的儿童提供会员服务。

五、联系我们
如有疑问，请在公众号留言“客服”，我们会在十五个工作日内答复。
"""

_MARKETING = """\
同意后，我们会在您允许的渠道向您发送优惠、新品和活动信息。

您可以选择不同意，这不影响您使用会员服务；同意后也可以随时在“我的 › 设置”中撤回，撤回后不再发送。
"""

TEXTS = (
    TextVersion(Purpose.SERVICE_TERMS, VERSION, "会员服务协议", _SERVICE_TERMS),
    TextVersion(Purpose.PRIVACY, VERSION, "隐私政策", _PRIVACY),
    TextVersion(Purpose.MARKETING, VERSION, "营销信息授权", _MARKETING),
)


def seed_texts(session: Session, *, at: datetime) -> int:
    """Publish the texts that are missing; return how many."""
    missing = [text for text in TEXTS if find_text(session, purpose=text.purpose, version=text.version) is None]
    for text in missing:
        publish_text(session, text=text, actor=ACTOR, at=at)
    return len(missing)
