"""One claimed job: what all its parts share, and the one way to run a command of the repository."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from runner_image.api import Api
from runner_image.endings import GiveUp
from runner_image.heartbeat import Progress
from runner_image.orders import Orders
from runner_image.sandbox.contract import Command, Network, Place, Ran, Sandbox
from shared.domain.protocol import Claimed

CLOSING_S = 20  # kept of the job's time for the changeset and the last word


@dataclass(frozen=True, slots=True)
class Job:
    """`directory` is the job's own; `began` a monotonic clock's reading at the claim."""

    claimed: Claimed
    api: Api
    orders: Orders
    progress: Progress
    sandbox: Sandbox
    directory: Path
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds_left(self) -> float:
        return self.claimed.limits.seconds - CLOSING_S - (time.monotonic() - self.began - self.progress.idle)

    def check_time(self) -> None:
        """Raises GiveUp `out_of_time`, and what Orders.check raises."""
        self.orders.check()
        if self.seconds_left <= 0:
            raise GiveUp("out_of_time", f"The {self.claimed.limits.seconds} seconds of this job are used up.")

    def run(
        self,
        place: Place,
        line: str,
        seconds: float,
        *,
        network: Network | None = None,
        spool: Path | None = None,
        record: Path | None = None,
        environment: dict[str, str] | None = None,
        sandbox: Sandbox | None = None,
    ) -> Ran:
        """Runs a shell line within its seconds and the job's. Raises Ending when told to leave or out of time."""
        command = Command(
            line=line,
            seconds=seconds,
            network=network or self.claimed.network,
            environment={**self.claimed.setup.environment, **(environment or {})},
            output_bytes=self.claimed.limits.output_bytes,
            spool=spool,
            record=record,
        )
        return self.fence(place, command, sandbox)

    def fence(self, place: Place, command: Command, sandbox: Sandbox | None = None) -> Ran:
        """Runs it as it stands, no longer than the job lasts. Raises Ending when told to leave or out of time."""
        self.check_time()
        fence = sandbox or self.sandbox
        with self.orders.while_running(fence.kill):
            return fence.run(place, replace(command, seconds=min(command.seconds, self.seconds_left)))
