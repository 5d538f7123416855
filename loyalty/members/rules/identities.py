"""Rules of WeChat identities (微信身份): kinds, doors, who may not become one."""

from datetime import timedelta
from enum import StrEnum

from loyalty.kernel.errors import NotAllowed, NotAuthenticated, NotFound

SESSION_LIFETIME = timedelta(days=30)
RENEWAL_INTERVAL = timedelta(days=1)
"""A session and the member's activity are written once in this time, not at every request."""


class IdentityKind(StrEnum):
    """The kind of account that an openid belongs to."""

    OFFICIAL_ACCOUNT = "oa"
    MINI_PROGRAM = "mp"


class Door(StrEnum):
    """Through which door a person came; a session opened at one is refused at the other."""

    H5 = "h5"
    MINI_PROGRAM = "mini_program"


class SnapshotUser(NotAllowed):
    """The read-only snapshot page (快照页) shows a virtual account, which is nobody."""

    code = "snapshot_user"
    message = "当前为快照页，请点击「使用完整服务」后再操作"


class IdentityNotFound(NotFound):
    """No identity has this id."""

    code = "identity_not_found"
    message = "没有找到对应的微信身份"


class SessionInvalid(NotAuthenticated):
    """The token is unknown, expired, revoked, of the other door, or its member is gone."""

    code = "session_invalid"
    message = "登录已失效，请重新登录"
