"""Holds pushes back until the next push of the same account has been sent, for the fault ``reorder``."""

import threading


class Gates:
    """Waiting pushes by appid."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[threading.Event]] = {}
        self._lock = threading.Lock()

    def hold_back(self, appid: str, *, seconds: float) -> None:
        """Waits until ``let_go`` is called for the account, at most ``seconds``."""
        gate = threading.Event()
        with self._lock:
            self._waiting.setdefault(appid, []).append(gate)
        gate.wait(seconds)

    def let_go(self, appid: str) -> None:
        """Lets the account's waiting pushes go on."""
        with self._lock:
            gates = self._waiting.pop(appid, [])
        for gate in gates:
            gate.set()

    def let_all_go(self) -> None:
        """Lets every waiting push go on; called at the end."""
        with self._lock:
            appids = list(self._waiting)
        for appid in appids:
            self.let_go(appid)
