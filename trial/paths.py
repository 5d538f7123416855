"""Where the trial keeps its files: everything lies in one folder, ``var/`` of the project."""

from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class TrialPaths:
    """The files of one trial below its folder."""

    var: Path

    @property
    def postgres(self) -> Path:
        """Folder of the embedded PostgreSQL."""
        return self.var / "postgres"

    @property
    def valkey(self) -> Path:
        """Folder of the embedded Redis-protocol server."""
        return self.var / "valkey"

    @property
    def keys(self) -> Path:
        """The keys made for this trial."""
        return self.var / "keys.json"

    @property
    def sandbox_config(self) -> Path:
        """What the sandbox is told about our accounts."""
        return self.var / "sandbox.json"

    @property
    def sandbox_state(self) -> Path:
        """What the sandbox remembers: users, follows, messages."""
        return self.var / "sandbox.sqlite"

    @property
    def clock_offset(self) -> Path:
        """The seconds that all processes of the trial add to the time of day."""
        return self.var / "clock-offset"

    @property
    def logs(self) -> Path:
        """Folder with one log file per process."""
        return self.var / "log"

    @property
    def metrics(self) -> Path:
        """Where the web server's processes add up their metrics."""
        return self.var / "metrics"

    @property
    def lock(self) -> Path:
        """Held by the running supervisor for as long as it lives."""
        return self.var / "trial.lock"


TRIAL = TrialPaths(PROJECT / "var")
