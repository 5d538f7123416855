"""Tables of referrals. Who invited whom is stored once, at most two levels up, and never walked further."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base, Json
from loyalty.referrals.rules.openings import NotCounted
from loyalty.referrals.rules.sharing import Channel, Purpose
from loyalty.referrals.rules.states import ReferralState, RewardState, Side

_CHANNELS = ", ".join(f"'{channel}'" for channel in Channel)
_PURPOSES = ", ".join(f"'{purpose}'" for purpose in Purpose)
_NOT_COUNTED = ", ".join(f"'{reason}'" for reason in NotCounted)
_STATES = ", ".join(f"'{state}'" for state in ReferralState)
_SIDES = ", ".join(f"'{side}'" for side in Side)
_REWARD_STATES = ", ".join(f"'{state}'" for state in RewardState)


class ReferralProgramme(Base):
    """One row is a revision of the referral programme (邀请活动): a draft until published, then it never changes."""

    __tablename__ = "referral_programmes"
    __table_args__ = (
        CheckConstraint("(published_at IS NULL) = (published_by IS NULL)", name="published"),
        CheckConstraint(
            "published_at IS NULL OR NOT definition ? 'opening' OR acknowledged_text IS NOT NULL", name="acknowledged"
        ),
        Index(
            "uq_referral_programmes_draft",
            "published_at",
            unique=True,
            postgresql_where=text("published_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    definition: Mapped[Json]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None]
    acknowledged_text: Mapped[str | None]
    """The version of the warning that who published agreed to, where an opening alone is paid."""


class ShareSwitch(Base):
    """One row says whether a channel may be shared by and paid for (渠道开关)."""

    __tablename__ = "share_switches"
    __table_args__ = (CheckConstraint(f"channel IN ({_CHANNELS})", name="channel"),)

    channel: Mapped[str] = mapped_column(primary_key=True)
    is_on: Mapped[bool]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]


class ShareToken(Base):
    """One row is what a member may share for one purpose by one channel; nothing of it changes."""

    __tablename__ = "share_tokens"
    __table_args__ = (
        UniqueConstraint("token"),
        CheckConstraint(f"channel IN ({_CHANNELS})", name="channel"),
        CheckConstraint(f"purpose IN ({_PURPOSES})", name="purpose"),
        CheckConstraint("(purpose = 'mission') = (mission_id IS NOT NULL)", name="mission_id"),
        Index(
            "uq_share_tokens_member_id",
            "member_id",
            "purpose",
            "mission_id",
            "campaign",
            "channel",
            "serial",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    """Who shares; after a merge the token stays and is read through the survivor."""
    channel: Mapped[str]
    purpose: Mapped[str]
    mission_id: Mapped[int | None]
    """No foreign key: missions stand above."""
    campaign: Mapped[str | None]
    """Always empty: what a campaign brings is told by its entrances."""
    serial: Mapped[int]
    """Counts the tokens of the same kind, of which one lives at a time."""
    token: Mapped[str]
    minted_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class ShareOpening(Base):
    """One row is one person who opened one share (打开记录); an opening that did not count may count later."""

    __tablename__ = "share_openings"
    __table_args__ = (
        UniqueConstraint("share_token_id", "person_index"),
        CheckConstraint(f"reason IN ({_NOT_COUNTED})", name="reason"),
        Index("ix_share_openings_identity_id", "identity_id"),
        Index("ix_share_openings_opened_at", "opened_at", postgresql_using="brin"),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "anonymise"}}},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    share_token_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(ShareToken.id))
    identity_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("identities.id"))
    person_index: Mapped[bytes] = mapped_column(info={"personal": True})
    reason: Mapped[str | None]
    """Why it did not count; empty when it did."""
    opened_at: Mapped[datetime]


class ShareTouch(Base):
    """One row is the share by which a person came first (首次触达); another replaces it when its window is over."""

    __tablename__ = "share_touches"
    __table_args__ = (
        Index("ix_share_touches_identity_id", "identity_id"),
        {"info": {"member_data": {"merge": "keep", "export": False, "erase": "delete"}}},
    )

    person_index: Mapped[bytes] = mapped_column(primary_key=True, info={"personal": True})
    share_token_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(ShareToken.id))
    identity_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("identities.id"))
    touched_at: Mapped[datetime]


class Referral(Base):
    """One row is a member who was invited (邀请关系), by whom and what came of it; who and by whom never change."""

    __tablename__ = "referrals"
    __table_args__ = (
        UniqueConstraint("member_id"),
        CheckConstraint("member_id <> referrer_id", name="two_members"),
        CheckConstraint(f"channel IN ({_CHANNELS})", name="channel"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("(reason IS NULL) = (state NOT IN ('refused', 'reversed'))", name="reason"),
        CheckConstraint("state <> 'refused' OR NOT is_standing", name="is_standing"),
        Index("ix_referrals_referrer_id", "referrer_id", "id"),
        Index("ix_referrals_second_referrer_id", "second_referrer_id"),
        Index("ix_referrals_order_id", "order_id"),
        Index("ix_referrals_settles_at", "settles_at", postgresql_where=text("state = 'attributed'")),
        Index("ix_referrals_lapses_at", "lapses_at", postgresql_where=text("state = 'attributed'")),
        Index("ix_referrals_qualified", "id", postgresql_where=text("state = 'qualified'")),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    """The referee (被邀请人)."""
    referrer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    second_referrer_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    """Who had invited the referrer, as it stood then; there is no third."""
    share_token_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(ShareToken.id))
    programme_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey(ReferralProgramme.id))
    """The revision that pays."""
    channel: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str | None]
    """Why it pays nothing: a word of ours, or the name of the risk rule that fired."""
    is_standing: Mapped[bool]
    """Who invited whom is believed, also where nothing was paid."""
    decision_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("risk_decisions.id"))
    order_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("orders.id"))
    """The purchase that fulfilled the condition."""
    touched_at: Mapped[datetime]
    came_at: Mapped[datetime]
    """When the friend became a member."""
    attributed_at: Mapped[datetime]
    lapses_at: Mapped[datetime | None]
    """Until when the condition has to be fulfilled; empty where there is nothing to wait for."""
    settles_at: Mapped[datetime | None]
    """When risk looks at it; empty until the condition is fulfilled."""
    qualified_at: Mapped[datetime | None]
    rewarded_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class ReferralReward(Base):
    """One row is what one side got for a referral or for an opening, waits for, or missed and why; once for ever."""

    __tablename__ = "referral_rewards"
    __table_args__ = (
        UniqueConstraint("referral_id", "side"),
        UniqueConstraint("opening_id"),
        CheckConstraint(f"side IN ({_SIDES})", name="side"),
        CheckConstraint(f"state IN ({_REWARD_STATES})", name="state"),
        CheckConstraint("(referral_id IS NULL) <> (opening_id IS NULL)", name="cause"),
        CheckConstraint("(opening_id IS NULL) = (side <> 'sharer')", name="opening"),
        CheckConstraint("points >= 0", name="points"),
        Index("ix_referral_rewards_member_id", "member_id"),
        Index("ix_referral_rewards_waiting", "opening_id", postgresql_where=text("state = 'waiting'")),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    """Who was paid: the survivor where the one invited or inviting had been merged."""
    side: Mapped[str]
    referral_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey(Referral.id))
    opening_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey(ShareOpening.id))
    state: Mapped[str]
    reason: Mapped[str | None]
    """What was missed for: the limit that was hit, or the code of a refusal."""
    points: Mapped[int]
    entry_id: Mapped[int | None]
    coupon_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("coupons.id"))
    capped_on: Mapped[date | None]
    """The business date whose caps it counts for."""
    recorded_at: Mapped[datetime]
    taken_back_at: Mapped[datetime | None]
