"""What a trial consists of: the engines, steps and children of the real system, in their order."""

import sys

from trial.child import ChildSpec
from trial.engines.slots import postgres_slot, valkey_slot
from trial.environment import LOCAL, TrialPlan
from trial.paths import TrialPaths
from trial.steps import Step
from trial.supervisor import Programme

FLASK = (sys.executable, "-m", "flask", "--app", "app")
# Two processes for two cores; more threads only let requests of one process wait for each other.
WEB_PROCESSES = 2
WEB_THREADS = 2


def programme_of(plan: TrialPlan, paths: TrialPaths) -> Programme:
    """Put together what this plan starts."""
    engines = [postgres_slot(paths)] if plan.needs_postgres else []
    engines += [valkey_slot(paths)] if plan.needs_valkey else []
    children = [
        ChildSpec("web", web_command(port=plan.port)),
        ChildSpec("worker", (*FLASK, "jobs", "worker"), stop_seconds=15),
        ChildSpec("scheduler", (*FLASK, "jobs", "scheduler")),
    ]
    ports = {"PORT": plan.port}
    ready_urls = [f"{plan.web_url}/readyz"]
    if plan.needs_sandbox:
        children.append(_sandbox(plan, paths))
        ports["SANDBOX_PORT"] = plan.sandbox_port
        ready_urls.append(_sandbox_probe(plan))
    return Programme(
        engines=engines,
        steps=[
            Step("migrate the database", (*FLASK, "db", "upgrade")),
            Step("seed the demo chain", (*FLASK, "demo", "seed")),
        ],
        children=children,
        ports=ports,
        ready_urls=ready_urls,
        closing_step=Step("list the demo accounts", (*FLASK, "demo", "accounts")),
    )


def announcement_of(plan: TrialPlan) -> str:
    """Say where everything is, in Chinese and English."""
    base = plan.values["PUBLIC_BASE_URL"]
    lines = [
        "",
        "系统已启动 · The trial is running",
        f"  管理后台 Console           {base}/console/",
        f"  小程序接口 Mini-program API  {base}/miniprogram/v1/docs",
    ]
    if plan.needs_sandbox:
        lines.append(f"  模拟手机 Simulated phone   {plan.sandbox_url}/")
    lines += [
        "  按 Ctrl-C 停止，数据保留；make reset 清空 · Ctrl-C stops and keeps the data; make reset empties it",
        "",
    ]
    return "\n".join(lines)


def web_command(*, port: int, application: str = "app:wsgi") -> tuple[str, ...]:
    """Give the command of the web server; the bench serves its own application by the same one."""
    options = {
        "--interface": "wsgi",
        "--host": LOCAL,
        "--port": str(port),
        "--workers": str(WEB_PROCESSES),
        "--blocking-threads": str(WEB_THREADS),
        "--workers-kill-timeout": "5",
    }
    arguments = [part for name, value in options.items() for part in (name, value)]
    return (
        sys.executable,
        "serve.py",
        *arguments,
        "--no-ws",
        "--respawn-failed-workers",
        "--factory",
        application,
    )


def _sandbox(plan: TrialPlan, paths: TrialPaths) -> ChildSpec:
    options = {
        "--port": str(plan.sandbox_port),
        "--config": str(paths.sandbox_config),
        "--state": str(paths.sandbox_state),
        "--clock-offset-file": plan.values["CLOCK_OFFSET_FILE"],
    }
    arguments = [part for name, value in options.items() for part in (name, value)]
    # The seed publishes the demo menu to it.
    return ChildSpec("sandbox", (sys.executable, "-m", "sandbox", *arguments), needed_at=_sandbox_probe(plan))


def _sandbox_probe(plan: TrialPlan) -> str:
    return f"{plan.sandbox_url}/_sim/clock"
