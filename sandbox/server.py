"""Starts and stops a sandbox: in a thread for tests, or for good by ``python -m sandbox``."""

import errno
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sandbox.app import create_app
from sandbox.clock import Clock
from sandbox.config import Config, parse
from sandbox.dispatch import DROP
from sandbox.pay import heart
from sandbox.randomness import Randomness
from sandbox.store import StateUnusable, Store
from sandbox.templates import seed_templates
from sandbox.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class StartFailed(Exception):
    """The server cannot start; the text says why."""


class Handler(WSGIRequestHandler):
    """Keeps the console free, for the request log of the control API tells more, and hangs up where a fault says so."""

    def connection_dropped(self, error: BaseException, environ: "WSGIEnvironment | None" = None) -> None:
        """Hangs up; otherwise the caller would wait for the next answer on the same connection."""
        self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Writes nothing."""


@dataclass
class Handle:
    """A running sandbox."""

    url: str
    world: World
    _server: BaseWSGIServer
    _thread: threading.Thread
    _folder: tempfile.TemporaryDirectory[str] | None

    def stop(self) -> None:
        """Stops serving and pushing, and closes the state file."""
        with self._folder or nullcontext():
            self.world.stopping.set()
            self.world.gates.let_all_go()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self.world.scheduler.stop()
            self.world.store.close()


def start(
    config: Config | Mapping[str, Any] | None = None,
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    state: Path | None = None,
    clock_offset_file: Path | None = None,
    seed: str | int | None = None,
) -> Handle:
    """Starts a sandbox in a thread; port 0 takes a free one. Without ``state`` everything is forgotten at the end.

    Raises StartFailed (port, state file), ConfigInvalid.
    """
    parsed = config if isinstance(config, Config) else parse(config or {})
    listener = _listen(host, port)
    folder = tempfile.TemporaryDirectory(prefix="sandbox-") if state is None else None
    try:
        path = state or Path(folder.name if folder else "", "state.sqlite")
        world = _world(parsed, path, clock_offset_file or path.with_name(f"{path.name}.clock"), seed)
    except BaseException:
        listener.close()
        if folder is not None:
            folder.cleanup()
        raise
    with closing(listener):
        bound = listener.getsockname()[1]
        server = make_server(
            host,
            bound,
            _Droppable(create_app(world)),
            threaded=True,
            request_handler=Handler,
            fd=listener.fileno(),
        )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox", daemon=True)
    thread.start()
    return Handle(f"http://{host}:{bound}", world, server, thread, folder)


def _world(config: Config, state: Path, clock_offset_file: Path, seed: str | int | None) -> World:
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        store = Store(state)
    except (StateUnusable, OSError) as error:
        raise StartFailed(str(error)) from error
    runs = store.count_run()
    world = World(
        config=config,
        store=store,
        clock=Clock(clock_offset_file),
        random=Randomness(None if seed is None else f"{seed} {runs}"),
    )
    seed_templates(world)
    heart.start(world)
    return world


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=128)
    except OverflowError as error:
        raise StartFailed(f"{port} is not a port") from error
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror or error}"
        raise StartFailed(f"{host}:{port} {reason}") from error


class _Droppable:
    """Closes the connection without a byte where a fault says so."""

    def __init__(self, app: Callable[["WSGIEnvironment", "StartResponse"], Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        answer = self._app(environ, start_response)
        if environ.get(DROP):
            raise ConnectionResetError("dropped by a fault")
        return answer
