"""What friends' purchases did not earn, in the mini program."""

from sqlalchemy.orm import Session

from tests.factories.commissions import LAST_MONTH, accrue, bought, invite_friend, publish_plan
from tests.factories.referrals import publish
from tests.miniprogram_api.conftest import MiniProgram


def test_a_purchase_that_earned_nothing_says_why_without_naming_the_friend(
    mini_program: MiniProgram, session: Session
) -> None:
    assert mini_program.member is not None
    publish(session, at=LAST_MONTH)
    publish_plan(session, day_cap_fen=500)
    friend = invite_friend(session, mini_program.member)
    for _ in range(2):
        bought(session, friend)
    accrue(session)
    session.commit()

    answer = mini_program.get("/missed-commissions").json

    assert answer is not None
    (missed,) = answer["items"]
    assert set(missed) == {"id", "level", "reason", "sentence", "paid_at"}
    assert missed["reason"] == "day_cap"
    assert missed["sentence"] == "好友消费佣金：2026年3月10日的订单没有佣金，已达当日上限"
    assert answer["next_cursor"] is None
