"""Subscription grants (订阅授权次数): one accepted prompt lets the account send one message of that template.

The person's answers are also pushed: the prompt as ``subscribe_msg_popup_event``, the settings page as
``subscribe_msg_change_event``.
"""

from collections.abc import Mapping

from sandbox import templates, users
from sandbox.errors import ApiError
from sandbox.follows import ActRefused
from sandbox.push import Push, event
from sandbox.world import World

ANSWERS = ("accept", "reject", "ban", "filter")
MOST_IN_PROMPT = 3
POPUP_SCENES = ("0", "1", "2")


def answer_prompt(world: World, *, user_id: int, appid: str, answers: Mapping[str, str], popup_scene: str) -> Push:
    """Records what the person answered per template and returns the push; each accept adds one grant.

    Raises ActRefused (more than three templates, unknown template or answer), UserNotFound.
    """
    account = world.account(appid)
    if account is None:
        raise ActRefused(f"no account {appid}")
    if not 1 <= len(answers) <= MOST_IN_PROMPT or popup_scene not in POPUP_SCENES:
        raise ActRefused("a prompt has 1 to 3 templates and popup_scene 0, 1 or 2")
    openid = users.get(world, user_id)["openids"][appid]
    with world.store.transaction():
        for template_id, answer in answers.items():
            _known(world, appid, template_id)
            if answer not in ANSWERS:
                raise ActRefused(f"answers must be one of {', '.join(ANSWERS)}")
            if answer == "accept":
                _add(world, appid=appid, openid=openid, template_id=template_id)
    entries = [
        {"TemplateId": template_id, "SubscribeStatusString": answer, "PopupScene": popup_scene}
        for template_id, answer in answers.items()
        if answer in ("accept", "reject")
    ]
    extra = {"SubscribeMsgPopupEvent": {"List": entries}}
    return event(world, account=account, openid=openid, name="subscribe_msg_popup_event", extra=extra)


def turn_off(world: World, *, user_id: int, appid: str, template_id: str) -> Push:
    """The person rejects a template on the settings page: all grants are gone. Returns the push.

    Raises ActRefused, UserNotFound.
    """
    account = world.account(appid)
    if account is None:
        raise ActRefused(f"no account {appid}")
    _known(world, appid, template_id)
    openid = users.get(world, user_id)["openids"][appid]
    world.store.run("DELETE FROM grants WHERE appid = ? AND openid = ? AND template_id = ?", appid, openid, template_id)
    extra = {"SubscribeMsgChangeEvent": {"List": [{"TemplateId": template_id, "SubscribeStatusString": "reject"}]}}
    return event(world, account=account, openid=openid, name="subscribe_msg_change_event", extra=extra)


def use(world: World, *, appid: str, openid: str, template_id: str) -> None:
    """Takes one grant. Raises ApiError 43101 when none is left."""
    if not world.store.changed(
        "UPDATE grants SET balance = balance - 1 WHERE appid = ? AND openid = ? AND template_id = ? AND balance > 0",
        appid, openid, template_id,
    ):  # fmt: skip
        raise ApiError(43101)


def balances(world: World, *, user_id: int) -> list[dict[str, object]]:
    """The grants a person has given and that are not used yet."""
    rows = world.store.rows(
        "SELECT g.appid, g.template_id, g.balance FROM grants g"
        " JOIN openids o ON o.appid = g.appid AND o.openid = g.openid"
        " WHERE o.user_id = ? ORDER BY g.appid, g.template_id",
        user_id,
    )
    return [dict(row) for row in rows]


def _known(world: World, appid: str, template_id: str) -> None:
    try:
        templates.find(world, appid=appid, template_id=template_id, kind="subscribe")
    except ApiError as error:
        raise ActRefused(f"account {appid} has no subscribe template {template_id}") from error


def _add(world: World, *, appid: str, openid: str, template_id: str) -> None:
    world.store.run(
        "INSERT INTO grants VALUES (?, ?, ?, 1)"
        " ON CONFLICT (appid, openid, template_id) DO UPDATE SET balance = balance + 1",
        appid, openid, template_id,
    )  # fmt: skip
