"""Posters of members (邀请海报): their share of the poster channel as a code, with what the friend may expect.

The code is asked for outside any transaction: WeChat draws those of mini programs and of accounts.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from loyalty.channels.queries import find_live_scene
from loyalty.channels.service import create_scene
from loyalty.gateways.protocols import MiniProgram, OfficialAccount
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database, Session
from loyalty.kernel.errors import Unavailable
from loyalty.kernel.posters import Poster, UnreadablePicture, poster_png
from loyalty.kernel.qr import qr_png
from loyalty.kernel.transaction import run
from loyalty.referrals.queries.invitations import Offer, find_offer
from loyalty.referrals.queries.shares import ShareTokenView
from loyalty.referrals.rules.sharing import SCENE_KIND, ReferralsNotOpen, scene_of

LANDING_PAGE = "pages/index/index"
"""The first page of the mini program, which takes ``scene`` from codes; every mini program has one."""
SCENE_LIFE = timedelta(days=30)
_MODULE = 12
_CAPTION = "长按识别二维码"
_SYSTEM = Actor("system:referrals")
Code = Callable[[ShareTokenView], bytes]
"""Draws the code of a share."""


class PosterCodeUnavailable(Unavailable):
    """WeChat's answer to the question for a code was no picture."""

    code = "poster_code_unavailable"
    message = "暂时无法生成海报，请稍后再试"


def draw(database: Database, *, share: Callable[[Session], ShareTokenView], code: Code, sender: str) -> bytes:
    """Return the poster of what ``share`` mints as PNG; call it outside any transaction.

    Raises:
        ReferralsNotOpen: no programme takes invitations.
        PosterCodeUnavailable: WeChat sent no picture.
        WechatUnavailable, WechatMisconfigured, WechatQuotaUsed, WechatRequestRefused: WeChat's answer.
    """
    shared, offer = run(database, lambda session: (share(session), _offer(session)))
    poster = Poster(
        sender=sender,
        title=offer.share_title,
        text=offer.to_the_friend,
        code=code(shared),
        caption=_CAPTION,
        note=offer.title,
    )
    try:
        return poster_png(poster)
    except UnreadablePicture as error:
        raise PosterCodeUnavailable from error


def by_link(address_of: Callable[[str], str]) -> Code:
    """Draw the address of a page that opens the share."""
    return lambda share: qr_png(address_of(share.token), scale=_MODULE)


def by_mini_program(mini_program: MiniProgram) -> Code:
    """Let WeChat draw a mini-program code (小程序码), of which there is no limit."""
    return lambda share: mini_program.wxa_code(scene=scene_of(share.token), page=LANDING_PAGE)


def by_account(database: Database, account: OfficialAccount, *, at: datetime) -> Code:
    """Draw a code that leads to an Official Account (带参数二维码): temporary, made anew when it has ended."""
    return lambda share: qr_png(_scene_address(database, account, share, at), scale=_MODULE)


def _offer(session: Session) -> Offer:
    offer = find_offer(session)
    if offer is None:
        raise ReferralsNotOpen
    return offer


def _scene_address(database: Database, account: OfficialAccount, share: ShareTokenView, at: datetime) -> str:
    known = run(
        database,
        lambda session: find_live_scene(
            session, appid=account.appid, subject_kind=SCENE_KIND, subject_id=share.id, at=at
        ),
    )
    if known is not None:
        return known
    scene = create_scene(
        database,
        account,
        subject_kind=SCENE_KIND,
        subject_id=share.id,
        label="邀请海报",
        life=SCENE_LIFE,
        actor=_SYSTEM,
        at=at,
    )
    assert scene.url is not None, "completed"
    return scene.url
