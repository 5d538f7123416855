"""One simulated world: configuration, state, clock, randomness, faults, logs and the sender of pushes, put together."""

import threading
from dataclasses import dataclass, field
from typing import cast

from flask import current_app

from sandbox.clock import Clock
from sandbox.config import Account, Config, with_account
from sandbox.faults import Faults
from sandbox.gates import Gates
from sandbox.log import Logs
from sandbox.pay.desk import PayDesk
from sandbox.randomness import Randomness
from sandbox.scheduler import Scheduler
from sandbox.store import Store


@dataclass
class World:
    """Everything a request may touch. One per server."""

    config: Config
    store: Store
    clock: Clock
    random: Randomness
    faults: Faults = field(default_factory=Faults)
    logs: Logs = field(default_factory=Logs)
    gates: Gates = field(default_factory=Gates)
    pay: PayDesk = field(default_factory=PayDesk)
    scheduler: Scheduler = field(default_factory=Scheduler)
    stopping: threading.Event = field(default_factory=threading.Event)

    def account(self, appid: str) -> Account | None:
        """The account of this appid, if the configuration has one."""
        return next((one for one in self.config.accounts if one.appid == appid), None)

    def replace_account(self, account: Account) -> None:
        """Puts changed settings of an account in force until the process ends."""
        self.config = with_account(self.config, account)


def current_world() -> World:
    """The world of the running Flask application."""
    return cast(World, current_app.extensions["sandbox"])
