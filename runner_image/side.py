"""One side of a proof: base or head, in a directory of its own with a set-up of its own, and each check run there."""

from __future__ import annotations

import secrets
import stat
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runner_image.api import BlobKind
from runner_image.beneath import Beneath, Outside
from runner_image.findings import Found
from runner_image.git import Git
from runner_image.job import Job
from runner_image.judge import NOT_RUN_BEFORE, Before, Seen, judge
from runner_image.junit import NoRecord, Record, ask_for_record, read_record
from runner_image.leftovers import Kept, keep, put_back
from runner_image.log import log
from runner_image.plugins import Plugin, find_plugins, without
from runner_image.sandbox.contract import Ran, Sandbox
from runner_image.setup import run_setup
from runner_image.trees import files_of
from runner_image.waiting import see_through
from runner_image.workspace import Checkout, check_out, clear
from shared.domain.protocol import Change, CheckToRun, Observation, Run
from shared.domain.protocol import Side as SideName


@dataclass(frozen=True, slots=True)
class Prepared:
    checkout: Checkout
    kept: Kept
    setup_run: Run | None
    plugins: frozenset[Plugin]


class Side:
    """Between checks the directory is put back, or made again where that cannot be."""

    def __init__(
        self,
        job: Job,
        git: Git,
        name: SideName,
        commit: str,
        sandbox: Sandbox,
        setup: Found,
        directory: Path,
        laid: Sequence[Change] = (),
    ) -> None:
        """Checks that commit out, with `laid` over it, and runs set-up. Raises Ending, GitFailed."""
        self.name = name
        self.commit = commit
        self._job = job
        self._git = git
        self._sandbox = sandbox
        self._setup = setup
        self._directory = directory
        self._laid = laid
        self._others: dict[tuple[Change, ...], Side] = {}
        directory.mkdir(parents=True)
        self._prepared = self._prepare()

    @property
    def setup_run(self) -> Run | None:
        return self._prepared.setup_run

    @property
    def plugins(self) -> frozenset[Plugin]:
        """The pytest plugins that set-up has installed here."""
        return self._prepared.plugins

    @property
    def broken(self) -> str:
        """Why no check can run here; empty when set-up went well."""
        if self.setup_run is None or self.setup_run.outcome == "pass":
            return ""
        last = self.setup_run.tail.strip().splitlines()[-1:] or [""]
        return f"set-up ended without success here: {self.setup_run.reason}: {last[0]}"[:500]

    def with_setup_of(self, changes: Sequence[Change]) -> Side:
        """Where a check with `changes` laid over is to be run: here, or, when set-up copies some of these files (a package
        that is installed with its tests), in a directory whose set-up was given them as well. Raises Ending, GitFailed.
        """
        paths = self._copied(changes)
        laid = tuple(change for change in changes if change.path in paths)
        if not laid:
            return self
        if laid not in self._others:
            directory = self._directory / f"other-{len(self._others)}"
            job, git, sandbox, setup = self._job, self._git, self._sandbox, self._setup
            self._others[laid] = Side(job, git, self.name, self.commit, sandbox, setup, directory, laid)
        return self._others[laid]

    def _copied(self, changes: Sequence[Change]) -> set[bytes]:
        """Those of which a copy is among what set-up made. Nothing of the sandbox may be running. Raises GitFailed."""
        tree, home, kept = self._prepared.checkout.tree, self._prepared.checkout.place.home, self._prepared.kept
        made: dict[tuple[bytes, int], list[tuple[Path, bytes]]] = {}
        for root, marks in ((tree, kept.marks), (home, kept.home)):
            for path, (_, mode, size, _, _) in marks.items():
                if stat.S_ISREG(mode):
                    made.setdefault((path.rpartition(b"/")[2], size), []).append((root, path))
        mine = files_of(self._git, self.commit, [change.path for change in changes])
        return {
            each.path
            for each in mine
            if any(_is_copy(each, *copy) for copy in made.get((each.path.rpartition(b"/")[2], len(each.data)), ()))
        }

    def run_check(
        self,
        check: CheckToRun,
        changes: Sequence[Change] = (),
        before: Before = NOT_RUN_BEFORE,
        unwanted: Collection[Plugin] = (),
    ) -> Seen:
        """The check's line, word for word, with `changes` laid over and without the `unwanted` plugins for this run.
        Raises Ending, GitFailed."""
        if self.broken:
            return Seen(Run(outcome="could_not_run", reason=self.broken))
        self._prepared.checkout.lay(changes)
        ran, record, artifact = self._run(check, unwanted)
        seen = judge(check, ran, record, before, artifact)
        log("check.ran", side=self.name, outcome=seen.run.outcome, exit=ran.exit, seconds=seen.run.seconds)
        self._put_back()
        return seen

    def run_line(self, line: str, seconds: float) -> str:
        """What a question to the machine answers, in words. Raises Ending, GitFailed."""
        ran = self._job.run(self._prepared.checkout.place, line, seconds, sandbox=self._sandbox)
        self._put_back()
        return ran.output.text()

    def observe(
        self, criterion: str, runs: Sequence[Run], pinned: Run | None = None, findings: Sequence[str] = ()
    ) -> Observation:
        return Observation(
            criterion=criterion,
            side=self.name,
            sha=self.commit,
            runs=tuple(runs),
            pinned=pinned,
            findings=tuple(findings),
        )

    def _run(self, check: CheckToRun, unwanted: Collection[Plugin]) -> tuple[Ran, Record | NoRecord, str | None]:
        job = self._job
        folder = self._directory / "records" / secrets.token_hex(16)
        folder.mkdir(parents=True)
        file = f"{secrets.token_hex(16)}.xml"
        inside = f"{self._sandbox.record_path(folder)}/{file}"
        spool = self._directory / "output"
        environment = ask_for_record(job.claimed.setup.environment, inside)
        environment["PYTEST_ADDOPTS"] = without(environment["PYTEST_ADDOPTS"], unwanted)
        began = time.time()
        ran = job.run(
            self._prepared.checkout.place,
            check.run,
            job.claimed.limits.check_seconds,
            spool=spool,
            record=folder,
            environment=environment,
            sandbox=self._sandbox,
        )
        record: Record | NoRecord
        try:
            record = read_record(folder / file, began, ran.seconds)
        except NoRecord as error:
            record = error
        if isinstance(record, Record):
            return ran, record, self._stored(folder / file, "junit")
        return ran, record, None if ran.output.is_whole else self._stored(spool, "output")

    def _stored(self, path: Path, kind: BlobKind) -> str:
        return see_through(self._job.orders, kind, lambda: self._job.api.store_file(path, kind))

    def _put_back(self) -> None:
        prepared = self._prepared
        if put_back(prepared.checkout, prepared.kept, self.commit):
            return
        log("side.made_again", side=self.name)
        clear(prepared.checkout.directory)
        self._prepared = self._prepare()

    def _prepare(self) -> Prepared:
        directory = self._directory / f"tree-{secrets.token_hex(4)}"
        self._job.progress.doing = f"set-up of {self.name}"
        # Set-up may need much room in /tmp, which is the disk's; each check gets an empty one of its own.
        roomy = check_out(self._git, directory, self._sandbox, self.commit, None)
        roomy.lay(self._laid)
        setup_run = run_setup(self._job, roomy, self._setup, self._sandbox)
        checkout = replace(roomy, place=replace(roomy.place, scratch=None))
        place, sandbox = checkout.place, self._sandbox
        plugins = find_plugins({sandbox.workspace_path(place): place.workspace, sandbox.home_path(place): place.home})
        return Prepared(checkout, keep(checkout, self.commit), setup_run, plugins)


def _is_copy(mine: Change, root: Path, path: bytes) -> bool:
    """Whether a file of that name and size is one: of an empty file its place alone tells, what cannot be read may be."""
    if not mine.data:
        return path.split(b"/")[-2:] == mine.path.split(b"/")[-2:]
    try:
        return Beneath(root).read(path, len(mine.data)) == mine.data
    except (OSError, Outside):
        return True


def uid_offset(name: SideName) -> int:
    """So that the two sides run as two users, whatever the process id (at most 2^22)."""
    return 1 << 23 if name == "head" else 0
