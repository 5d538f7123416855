"""The merchant of the sandbox: its keys, and what half of it is worth."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.config import parse
from sandbox.defaults import DEFAULT_ACCOUNTS
from sandbox.server import start
from sandbox.shapes import ConfigInvalid
from tests.sandbox.driver import Sim


class TestKeysAndState:
    def test_without_keys_of_ours_the_sandbox_makes_some_and_keeps_them(
        self, start_sim: Callable[..., Sim], config: dict[str, Any], tmp_path: Path
    ) -> None:
        first = start(config, state=tmp_path / "state.sqlite")
        merchant = Sim(first).show("/pay/merchant")
        first.stop()

        again = start_sim(config, state=tmp_path / "state.sqlite")

        assert again.show("/pay/merchant") == merchant
        assert merchant["private_key"].startswith("-----BEGIN PRIVATE KEY")
        assert len(merchant["api_v3_key"]) == 32

    @pytest.mark.parametrize("wrong", [{"serial_no": "1"}, {"key": "x"}, {"scenes": {"1": {}}}, {"balance_fen": -1}])
    def test_half_a_merchant_is_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ConfigInvalid, match="merchant"):
            parse({"accounts": copy.deepcopy(DEFAULT_ACCOUNTS), "merchant": wrong})
