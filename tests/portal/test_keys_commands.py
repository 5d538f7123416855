from dataclasses import replace

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from tests.factories.members import make_member
from tests.support.containers import NullContainer
from tests.support.settings import INDEX_KEY, VAULT

NEW = {"k2": b"\x09" * 32}


def app_with(container: NullContainer, ring: dict[str, bytes]) -> Flask:
    from app import create_app

    return create_app(replace(container, vault=Vault(ring=ring, index_key=INDEX_KEY)))


def flask(app: Flask, command: str) -> Result:
    return app.test_cli_runner().invoke(args=["keys", command])


@pytest.fixture
def _member(session: Session) -> None:
    make_member(session)
    session.commit()


@pytest.mark.usefixtures("_member")
class TestKeys:
    def test_are_rotated_and_then_the_old_one_can_go(self, container: NullContainer) -> None:
        app = app_with(container, {**NEW, **VAULT.ring})
        before = flask(app, "status").stdout
        assert "members.phone_sealed: 1 under k1\n" in before
        assert "1 values are not under k2, the current key. Run: flask keys rotate" in before

        rotated = flask(app, "rotate")

        assert rotated.exit_code == 0
        assert "members.phone_sealed: 1 sealed anew\n" in rotated.stdout
        assert "members.phone_sealed: 0 sealed anew\n" in flask(app, "rotate").stdout
        after = flask(app, "status").stdout
        assert "members.phone_sealed: 1 under k2\n" in after
        assert "Everything is under k2; the other keys can be removed from DATA_KEYS." in after

    def test_that_were_removed_too_early_are_named_plainly(self, container: NullContainer) -> None:
        app = app_with(container, NEW)

        assert "members.phone_sealed: 1 under k1, which is not in DATA_KEYS" in flask(app, "status").stdout
        result = flask(app, "rotate")
        assert result.exit_code == 1
        assert "members.phone_sealed: 1 cannot be opened with any key of DATA_KEYS" in result.stderr
