"""A trial of dummy children, run as a process of its own so that signals, kills and exits are real.

``python -m tests.trial.dummies FOLDER SCENARIO PORT``
"""

import sys
from dataclasses import replace
from pathlib import Path

from trial.child import MARKER, ChildSpec, Surroundings
from trial.commands import sole_supervisor
from trial.console import Console
from trial.engines.slots import valkey_slot
from trial.errors import TrialError
from trial.paths import PROJECT, TrialPaths
from trial.signals import StopRequest
from trial.steps import Step
from trial.supervisor import Programme, Supervisor

SERVER = """
import http.server, os, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *a): pass
print("serving as", os.getpid(), "on", os.environ["REDIS_URL"], flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""
FORKING = """
import os, signal, time
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("grandchild", os.getpid(), flush=True)
    time.sleep(600)
print("parent", os.getpid(), flush=True)
time.sleep(600)
"""
ASKING = "import sys, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{sys.argv[1]}/', timeout=5)"
CONFUSING = """
import sys, traceback
try:
    raise ImportError("cannot import what it needs")
except ImportError:
    traceback.print_exc()
sys.exit("Error: No such command 'demo'.")
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


def python(code: str, *arguments: str) -> tuple[str, ...]:
    """Give the command of a dummy."""
    return (sys.executable, "-c", code, *arguments)


def programme(scenario: str, paths: TrialPaths, port: int) -> Programme:
    """Put together one scenario."""
    children = [ChildSpec("web", python(SERVER, str(port)), stop_seconds=5)]
    steps = [Step("migrate the database", python("import os; print('migrated with', os.environ['REDIS_URL'])"))]
    if scenario == "forking":
        children.append(ChildSpec("worker", python(FORKING), stop_seconds=5))
    elif scenario == "deaf":
        children.append(ChildSpec("worker", python(DEAF), stop_seconds=1))
    elif scenario == "dying":
        children = [ChildSpec("web", python("import sys; sys.exit('no such setting')"))]
    elif scenario == "failing-step":
        steps = [Step("migrate the database", python("raise ValueError('no table')"))]
    elif scenario == "slow-step":
        steps = [Step("migrate the database", python("print('begun', flush=True); import time; time.sleep(600)"))]
    elif scenario == "needed-by-step":
        children = [replace(children[0], needed_at=f"http://127.0.0.1:{port}/")]
        steps = [Step("seed the demo chain", python(ASKING, str(port)))]
    elif scenario == "confusing-step":
        steps = [Step("seed the demo chain", python(CONFUSING))]
    return Programme(
        engines=[valkey_slot(paths)],
        steps=steps,
        children=children,
        ports={"PORT": port},
        ready_urls=[f"http://127.0.0.1:{port}/readyz"],
        closing_step=Step("list the demo accounts", python("print('account: demo')")),
    )


def main(folder: Path, scenario: str, port: int) -> int:
    """Run one scenario as ``make run`` would."""
    stop_request = StopRequest()
    stop_request.install()
    paths = TrialPaths(folder)
    environment = {"PATH": "/usr/bin:/bin", MARKER: str(folder)}
    surroundings = Surroundings(environment=environment, folder=PROJECT, logs=paths.logs, console=Console())
    try:
        with sole_supervisor(paths):
            Supervisor(
                programme=programme(scenario, paths, port),
                paths=paths,
                surroundings=surroundings,
                stop_request=stop_request,
                announcement="the trial is running",
            ).run()
    except TrialError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
