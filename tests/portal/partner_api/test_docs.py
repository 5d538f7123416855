"""The walkthrough and the client example, run as they are printed against a listening server."""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from loyalty.coupons.rules import codes as coupon_codes
from loyalty.members.models import Member
from loyalty.members.rules.member_code import current_code
from loyalty.points.service import open_account
from tests.factories.checkout import ACCEPTING, save_policy
from tests.factories.coupons import issue_to, make_template
from tests.factories.earning import make_rule
from tests.factories.points import earn
from tests.portal.partner_api.conftest import Till
from tests.support.engines import ROOT
from tests.support.settings import CODE_KEY

PAGE = (ROOT / "docs" / "partner-api.md").read_text(encoding="utf-8")
CLIENT = ROOT / "docs" / "examples" / "partner_client.py"


@pytest.fixture
def programme(session: Session, member: Member, at: datetime) -> tuple[int, int]:
    """A template, and a coupon of it that the member has; with points, and a rule that pays some."""
    make_rule(session)
    save_policy(session, ACCEPTING)
    open_account(session, member_id=member.id, at=at)
    earn(session, member.id, 5_000, at=at)
    template_id = make_template(session, at=at)
    coupon_id = issue_to(session, member.id, template_id, at=at).coupon_id
    session.commit()
    return template_id, coupon_id


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def code_of(till: Till, member: Member) -> str:
    return current_code(CODE_KEY, member.id, till.container.clock.now()).code


def test_the_python_examples_work_in_their_order(
    till: Till, member: Member, address: str, programme: tuple[int, int]
) -> None:
    template_id, coupon_id = programme
    names: dict[str, Any] = {"__name__": "partner_client"}
    exec(compile(CLIENT.read_text(encoding="utf-8"), CLIENT.name, "exec"), names)
    client = names["PartnerClient"]
    at = till.container.clock.now()
    now = at.timestamp()
    names |= {
        "PartnerClient": lambda *arguments, **options: client(*arguments, **options, clock=lambda: now),
        "portal": address,
        "key_id": till.key.key_id,
        "secret": till.secret,
        "store": till.store.code,
        "member_code": code_of(till, member),
        "coupon_code": coupon_codes.current_code(CODE_KEY, coupon_id, at).code,
        "template_id": template_id,
    }
    examples = re.findall(r"^```python\n(.+?)^```", PAGE, re.M | re.DOTALL)

    for example in examples:
        exec(compile(example, "docs/partner-api.md", "exec"), names)

    assert len(examples) >= 14
    assert names["earned"]["captured_fen"] > 0
    assert names["undone"]["points_taken_back"] > 0
    assert names["undone"]["points_returned"] > 0
    assert (names["used"]["discount_fen"], names["settled"]["discount_fen"]) == (2_000, 2_000)
    assert names["settled"]["captured_fen"] == 500
    assert names["reserved"]["money_fen"] == 7_500
    assert names["booked"] != 0


@pytest.mark.usefixtures("programme")
def test_the_client_tells_a_refusal_in_its_own_words(till: Till, address: str) -> None:
    names: dict[str, Any] = {"__name__": "partner_client"}
    exec(compile(CLIENT.read_text(encoding="utf-8"), CLIENT.name, "exec"), names)
    client = names["PartnerClient"](address, key_id=till.key.key_id, secret="wrong", clock=lambda: 1)

    with pytest.raises(names["PartnerError"]) as refused:
        client.get("/statement", on="2026-03-10")

    assert (refused.value.status, refused.value.code) == (401, "signature_outdated")
    assert refused.value.request_id


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
@pytest.mark.usefixtures("programme")
def test_the_shell_examples_work_in_their_order(till: Till, member: Member, address: str) -> None:
    define, name, buy = re.findall(r"^```sh\n(.+?)^```", PAGE, re.M | re.DOTALL)
    keep = 'MEMBER_REF=$(printf \'%s\' "$NAMED" | sed \'s/.*"member_ref": *"\\([^"]*\\)".*/\\1/\')'
    script = "\n".join((define, f"NAMED=$({name.strip()})", keep, buy))
    environment = {
        "PATH": "/usr/bin:/bin:/usr/local/bin",
        "PORTAL": address,
        "KEY_ID": till.key.key_id,
        "SECRET": till.secret,
        "STORE": till.store.code,
        "MEMBER_CODE": code_of(till, member),
        "NOW": str(int(till.container.clock.now().timestamp())),
    }

    done = subprocess.run(["sh", "-euc", script], env=environment, capture_output=True, text=True, timeout=30)

    assert done.returncode == 0, done.stderr
    assert '"points":60' in done.stdout.replace(" ", ""), done.stdout
