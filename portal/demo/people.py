"""Demo members: who they are and what they did, drawn from a fixed seed, so that every trial looks the same.

Nobody here is real: openids are made up and phones count up in a block of zeros.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from random import Random
from zoneinfo import ZoneInfo

from loyalty.kernel.clock import business_date, start_of
from portal.demo.chain import STORE_CODES

MEMBERS = 300
HISTORY_DAYS = 120
_SEED = 20260101
_OPENS_HOUR, _OPEN_HOURS = 8, 14
_STORE_WEIGHTS = (5, 4, 3, 4, 3, 2)
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡"
_GIVEN = (
    "伟 芳 娜 敏 静 磊 洋 勇 艳 杰 娟 涛 明 超 霞 平 刚 桂英 子涵 欣怡 浩然 宇轩 诗涵 梓萱 雨桐 思远 佳怡 俊杰 "
    "晓东 海燕 建国 秀英 志强 婷婷 雪梅 文静 嘉豪 可馨 一诺 明轩"
)
_NETNAMES = (
    "爱喝咖啡的猫 早起打卡人 小确幸 今天也要加油 橙子汽水 奶茶不加糖 西湖边的风 周末去哪儿 山野 月半弯 阿May "
    "Kevin 小鹿Lulu 大脸猫 豆豆妈妈 老王不卖瓜 清风徐来 三餐四季 吃货小分队 向阳而生"
)
_PHONE_PREFIXES = ("135", "136", "137", "138", "150", "151", "158", "159", "186", "188")


class ActKind(StrEnum):
    """What a member, or somebody for them, did."""

    CHECK_IN = "check_in"
    PURCHASE = "purchase"
    SPEND = "spend"
    ADJUST = "adjust"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing done at an instant; ``points`` is 0 for check-ins, whose plan knows them."""

    kind: ActKind
    at: datetime
    points: int = 0
    store_code: str | None = None


@dataclass(frozen=True, slots=True)
class DemoMember:
    """One member with their history, oldest first."""

    openid: str
    phone: str
    nickname: str | None
    birthday: date | None
    store_code: str | None
    takes_marketing: bool
    enrolled_at: datetime
    acts: tuple[Act, ...]


def demo_members(*, count: int = MEMBERS, zone: ZoneInfo, at: datetime) -> list[DemoMember]:
    """Return all demo members in the order of their enrolment, with what they did before ``at``."""
    random = Random(_SEED)  # noqa: S311 - a repeatable demo, nothing is kept secret by it
    today = business_date(at, zone)
    # Ever more people came by the day, so that the curve of new members rises.
    days = [int(HISTORY_DAYS * random.random() ** 1.4) for _ in range(count)]
    members = [
        _member(random, number, today - timedelta(days=ago), zone, at) for number, ago in enumerate(days, start=1)
    ]
    return sorted(members, key=lambda member: member.enrolled_at)


def _member(random: Random, number: int, enrolled_on: date, zone: ZoneInfo, at: datetime) -> DemoMember:
    store_code = random.choices(STORE_CODES, _STORE_WEIGHTS)[0] if random.random() < 0.85 else None
    enrolled_at = _moment(random, enrolled_on, zone, at - timedelta(minutes=10))
    return DemoMember(
        openid=f"demo-member-{number:04d}",
        phone=f"+86{random.choice(_PHONE_PREFIXES)}0000{number:04d}",
        nickname=_nickname(random),
        birthday=date(random.randint(1962, 2006), random.randint(1, 12), random.randint(1, 28))
        if random.random() < 0.6
        else None,
        store_code=store_code,
        takes_marketing=random.random() < 0.6,
        enrolled_at=enrolled_at,
        acts=tuple(_acts(random, enrolled_at, store_code, zone, at)),
    )


def _acts(random: Random, enrolled_at: datetime, store_code: str | None, zone: ZoneInfo, at: datetime) -> list[Act]:
    enrolled_on, today = business_date(enrolled_at, zone), business_date(at, zone)
    diligence, lasts = random.choice((0.02, 0.08, 0.15, 0.35, 0.9)), random.choice((3, 7, 14, 60))
    buys = random.choice((0.0, 0.01, 0.03, 0.08)) if store_code else 0.005
    spree = random.choice((1, 1, 1, 1, 6))
    acts: list[Act] = []
    for number in range(1, (today - enrolled_on).days + 1):
        day = enrolled_on + timedelta(days=number)
        if number <= lasts and random.random() < diligence:
            acts.append(Act(ActKind.CHECK_IN, _moment(random, day, zone, at), store_code=None))
        if random.random() < buys:
            bought = int(spree * random.lognormvariate(4.4, 0.8)) + 1
            acts.append(Act(ActKind.PURCHASE, _moment(random, day, zone, at), bought, store_code))
        if random.random() < buys / 5:
            acts.append(Act(ActKind.SPEND, _moment(random, day, zone, at), random.choice((50, 100, 200)), store_code))
    if acts and random.random() < 0.06:
        acts.append(Act(ActKind.ADJUST, _moment(random, today, zone, at), random.choice((20, 50, 100))))
    return sorted(acts, key=lambda act: act.at)


def _nickname(random: Random) -> str | None:
    draw = random.random()
    if draw < 0.12:
        return None
    return random.choice(_NETNAMES.split()) if draw < 0.45 else random.choice(_SURNAMES) + random.choice(_GIVEN.split())


def _moment(random: Random, day: date, zone: ZoneInfo, before: datetime) -> datetime:
    """Return an instant of a day when stores are open, as far as it lies in the past already."""
    opens = start_of(day, zone) + timedelta(hours=_OPENS_HOUR)
    closes = min(opens + timedelta(hours=_OPEN_HOURS), before)
    if closes <= opens:
        opens, closes = start_of(day, zone), max(start_of(day, zone), before)
    return opens + (closes - opens) * random.random()
