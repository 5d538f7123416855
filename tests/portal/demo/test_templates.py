import pytest

from loyalty.channels.rules import Shape, mapping_problems
from loyalty.notices.rules import KINDS
from portal.demo.templates import MINI_PROGRAM, OFFICIAL_ACCOUNT, DemoTemplate
from sandbox.defaults import DEFAULT_ACCOUNTS, DEFAULT_TEMPLATES

AT_THE_SANDBOX = {template["template_id"]: template for template in DEFAULT_TEMPLATES}
EVERY = [*OFFICIAL_ACCOUNT, *MINI_PROGRAM]


@pytest.mark.parametrize("template", EVERY, ids=lambda template: f"{template.kind}-{template.settings.template_id}")
def test_every_setting_serves_the_keys_of_its_template_at_the_sandbox(template: DemoTemplate) -> None:
    there = AT_THE_SANDBOX[template.settings.template_id]
    assert template.settings.title == there["title"]
    facts, shape = KINDS[template.kind].facts, Shape(there["content"])
    assert mapping_problems(template.settings.mapping, facts=facts, template=shape) == []


def test_messages_of_the_mini_program_open_pages_it_has() -> None:
    pages = next(account["pages"] for account in DEFAULT_ACCOUNTS if account["kind"] == "mp")
    assert {template.settings.page for template in MINI_PROGRAM} <= set(pages)
