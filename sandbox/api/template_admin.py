"""The list of an Official Account's message templates: read, add from the library, delete; and its industries."""

from sandbox import quotas, templates
from sandbox.dispatch import OK, Answer, Call, endpoint
from sandbox.errors import ApiError

INDUSTRIES = range(1, 42)


@endpoint("/cgi-bin/template/get_all_private_template", method="GET", kind="oa")
def list_templates(call: Call) -> Answer:
    """All templates of the account."""
    found = templates.listed(call.world, appid=call.account.appid, kind="template")
    return {
        "template_list": [
            {
                "template_id": one["template_id"],
                "title": one["title"],
                "primary_industry": "",
                "deputy_industry": "",
                "content": one["content"],
                "example": "",
            }
            for one in found
        ]
    }


@endpoint("/cgi-bin/template/api_add_template", kind="oa")
def add_template(call: Call) -> Answer:
    """Adds a template from the library with chosen keywords; at most 25."""
    template_id = templates.add(
        call.world,
        appid=call.account.appid,
        short_id=call.text("template_id_short", refuse=40037),
        names=call.texts("keyword_name_list", refuse=40037, most=10),
    )
    return {**OK, "template_id": template_id}


@endpoint("/cgi-bin/template/del_private_template", kind="oa")
def delete_template(call: Call) -> Answer:
    """Deletes a template."""
    template_id = call.text("template_id", refuse=40037)
    templates.delete(call.world, appid=call.account.appid, template_id=template_id, kind="template")
    return OK


@endpoint("/cgi-bin/template/api_set_industry", kind="oa")
def set_industry(call: Call) -> Answer:
    """Sets the two industries; once a month."""
    for name in ("industry_id1", "industry_id2"):
        given = str(call.body.get(name, ""))
        if not given.isdigit() or int(given) not in INDUSTRIES:
            raise ApiError(40102)
    month = call.world.clock.day()[:7]
    quotas.limit(call.world, appid=call.account.appid, name="set_industry", period=month, most=1, errcode=43100)
    return OK
