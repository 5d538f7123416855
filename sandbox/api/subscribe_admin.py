"""The list of an account's subscription messages (订阅消息模板): read, delete. The token tells whose they are."""

from typing import Any

from sandbox import templates
from sandbox.dispatch import OK, Answer, Call, endpoint

ONE_TIME = 2
"""The type of a template of which each consent allows one message."""


@endpoint("/wxaapi/newtmpl/gettemplate", method="GET")
def list_templates(call: Call) -> Answer:
    """All templates of subscription messages that the account has."""
    found = templates.listed(call.world, appid=call.account.appid, kind="subscribe")
    return {**OK, "data": [_told(one) for one in found]}


@endpoint("/wxaapi/newtmpl/deltemplate")
def delete_template(call: Call) -> Answer:
    """Deletes a template."""
    template_id = call.text("priTmplId", refuse=40037)
    templates.delete(call.world, appid=call.account.appid, template_id=template_id, kind="subscribe")
    return OK


def _told(template: dict[str, Any]) -> dict[str, Any]:
    values = template["choices"]
    return {
        "priTmplId": template["template_id"],
        "title": template["title"],
        "content": template["content"],
        "example": "",
        "type": ONE_TIME,
        **(
            {
                "keywordEnumValueList": [
                    {"keywordCode": f"{key}.DATA", "enumValueList": listed} for key, listed in values.items()
                ]
            }
            if values
            else {}
        ),
    }
