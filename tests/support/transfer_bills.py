"""Bills of one transfer each: what a merchant sends for one, and how the platform tells it."""

import itertools
from typing import Any

from sandbox.defaults import MP_APPID
from tests.support.pay_sandbox import BILLS, PaySandbox

_numbers = itertools.count(1)


def body_of(user: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A right request, parts of it replaced; None leaves one out."""
    number = changes.get("out_bill_no") or f"S{next(_numbers):05d}"
    body = {
        "appid": MP_APPID,
        "out_bill_no": number,
        "transfer_scene_id": "1005",
        "openid": user["openids"][MP_APPID],
        "transfer_amount": 500,
        "transfer_remark": f"佣金{number}"[:32],
        "transfer_scene_report_infos": [
            {"info_type": "岗位类型", "info_content": "推广员"},
            {"info_type": "报酬说明", "info_content": "佣金"},
        ],
        "notify_url": None,
    } | changes
    return {name: value for name, value in body.items() if value is not None}


def created(pay: PaySandbox, user: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A bill that was just made, as its create is answered."""
    answer = pay.ask("POST", BILLS, body_of(user, **changes))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def state(pay: PaySandbox, number: str) -> tuple[str, str | None]:
    """The state of a bill, and why it failed if it did."""
    told = pay.ask("GET", f"{BILLS}/out-bill-no/{number}").json()
    return told["state"], told.get("fail_reason")
