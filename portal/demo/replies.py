"""What the demo Official Account says at once: welcome, keywords, menu clicks."""

from datetime import datetime

from loyalty.channels.queries import list_replies
from loyalty.channels.rules.replies import ReplyTrigger
from loyalty.channels.service import save_reply
from loyalty.kernel.database import Session
from portal.demo.chain import ACTOR

CONTACT_KEY = "contact"
WELCOME = (
    "欢迎关注示例连锁！\n\n点击下方菜单「会员卡」绑定手机号即可免费成为会员，「签到」每天都能领积分。\n"
    "回复「积分」了解积分规则，回复「门店」查看门店地址。"
)
_CONTACT = "客服在线时间为每天 9:00–21:00。请直接留言，或拨打您常去门店的电话，我们会尽快答复。"

REPLIES = (
    (ReplyTrigger.WELCOME, "", WELCOME),
    (
        ReplyTrigger.CONTAINS,
        "积分",
        "每天签到得 5 至 10 积分，连续签到满 7 天另奖 20 积分；消费积分以门店公示为准。\n"
        "每一笔积分的来源都可以在菜单「我的」›「积分明细」中查看。",
    ),
    (
        ReplyTrigger.CONTAINS,
        "门店",
        "上海静安寺店：愚园路68号\n上海陆家嘴店：世纪大道8号\n杭州西湖店：湖滨路28号\n"
        "广州天河店：天河路208号\n深圳南山店：文心五路33号\n厦门中山路店：中山路189号",
    ),
    (ReplyTrigger.EXACT, "客服", _CONTACT),
    (ReplyTrigger.CLICK, CONTACT_KEY, _CONTACT),
    (ReplyTrigger.DEFAULT, "", "您的留言已收到。回复「积分」「门店」或「客服」可以更快找到答案。"),
)


def seed_replies(session: Session, *, appid: str, at: datetime) -> int:
    """Save the replies where the account has none at all; return how many."""
    if list_replies(session, appid=appid):
        return 0
    for trigger, keyword, text in REPLIES:
        save_reply(session, appid=appid, trigger=trigger, keyword=keyword, text=text, actor=ACTOR, at=at)
    return len(REPLIES)
