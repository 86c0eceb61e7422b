"""The workflow without a world: records in a dict, the real `load_view` and `decide`, and a test that plays the outside.

Nothing here runs by itself. A test says what people do, what becomes of an effect, what a runner or the planner answers,
and how late it is; every decision is committed under its expectations, and `rules.check` looks at every step.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from functions.load import load_view
from shared.domain import keys
from shared.domain.effects import Effect
from shared.domain.envelope import Envelope, Ignored, enclose
from shared.domain.facts import (
    CommentFact,
    CommentNow,
    DefaultHead,
    Fact,
    HeadFact,
    IssueFact,
    IssueNow,
    Missing,
    Need,
    RoleFact,
    RoleOf,
    SettingsAt,
    SettingsFact,
    Unknown,
)
from shared.domain.inbound import Inbound, PlannerAnswer
from shared.domain.issue import IssueState
from shared.domain.job import JobState, Lease
from shared.domain.ledger import Ledger
from shared.domain.money import NANO
from shared.domain.operator import Operator
from shared.domain.people import Person, Repository, Role
from shared.domain.protocol import Finish, Observation, Run, Survey
from shared.domain.record import ABSENT, AtVersion, Key, Put, Record
from shared.domain.repository_settings import RepositorySettings
from shared.domain.view import View
from shared.domain.workflow.decide import decide
from shared.domain.workflow.needs import needs
from shared.domain.workflow.turn import Decision, Fresh
from tests.contract.manual_clock import ManualClock
from tests.fakes.ports import MemoryBlobs
from tests.unit.domain import rules
from tests.unit.domain.quick_table import Table

PK = keys.issue_pk(7, 42)
APP = 99
BASE = "a1b2c3d" + "0" * 33
MINUTE = 60_000

OCTOCAT = Person(id=1, login="octocat")  # maintains
HUBOT = Person(id=2, login="hubot")  # writes
TRIAGER = Person(id=3, login="triager")
STRANGER = Person(id=4, login="stranger")
ROLES = {1: Role.MAINTAIN, 2: Role.WRITE, 3: Role.TRIAGE, 4: Role.READ}
PEOPLE = (OCTOCAT, HUBOT, TRIAGER, STRANGER)

CRITERIA = (
    {"id": "AC-1", "kind": "new", "text": "writes ; between fields", "check": {"run": "sh ac-1.sh"}},
    {"id": "AC-2", "kind": "keep", "text": "the default stays", "check": {"run": "sh ac-2.sh"}},
)
SPEC = {"goals": ["open the export"], "criteria": list(CRITERIA)}


class World:
    """One issue of one repository."""

    def __init__(self, **operator: Any) -> None:
        self.now = 1_700_000_000_000
        self.count = 0
        self.store = Table(ManualClock())
        self.operator = Operator(
            app_id=APP, model="scripted", models=("scripted",), smallest_step_nano=NANO // 100, **operator
        )
        self.roles = dict(ROLES)
        self.settings = RepositorySettings()
        self.model_line = 0
        self.head: str | None = BASE
        self.private = False
        self.unreadable: set[type] = set()
        self.comments: dict[int, CommentFact] = {}
        self.issue_open = True
        self.outcomes: list[str] = []

    def fork(self) -> World:
        other = copy.copy(self)
        other.store = Table(ManualClock())
        other.store.items = dict(self.store.items)
        other.comments, other.outcomes, other.roles = dict(self.comments), list(self.outcomes), dict(self.roles)
        return other

    def number(self) -> int:
        self.count += 1
        return self.count

    # --- reading -------------------------------------------------------------------------------------------

    def view(self, job: str | None = None) -> View:
        blank = IssueState(pk=PK, repository=self.repository, installation_id=5, number=42)
        return load_view(self.store, MemoryBlobs(), self.operator, PK, job=job, blank=blank, now=self.now)

    @property
    def repository(self) -> Repository:
        return Repository(id=7, full_name="octo-org/octo-repo", private=self.private)

    @property
    def issue(self) -> IssueState:
        record = self.store.get(keys.issue_state(PK))
        return IssueState.model_validate(record.body) if record else self.view().issue

    def records(self, pk: str, prefix: str) -> list[Record]:
        return list(self.store.query(pk, prefix, None, 10_000).records)

    def effects(self, kind: str = "", *, still_open: bool = True) -> list[Effect]:
        found = [Effect.model_validate(each.body) for each in self.records(PK, "EFFECT#") if each.kind == "effect"]
        return [each for each in found if (not kind or each.kind == kind) and (each.open or not still_open)]

    def messages(self) -> list[str]:
        """Names of all new comments so far, in order."""
        made = list(self.effects("comment", still_open=False))
        return [str(each.data["name"]) for each in sorted(made, key=lambda each: each.cause)]

    def message(self, name: str) -> dict[str, Any]:
        made = [each for each in self.effects("comment", still_open=False) if each.data["name"] == name]
        assert made, f"no {name} among {self.messages()}"
        return max(made, key=lambda each: each.cause).data

    def job(self, job: str | None = None) -> JobState:
        name = job or self.issue.job
        record = self.store.get(keys.job_state(str(name)))
        assert record is not None, f"no job {name}"
        return JobState.model_validate(record.body)

    # --- deciding ------------------------------------------------------------------------------------------

    def facts_of(self, view: View, inbound: Inbound) -> dict[Need, Fact]:
        known: dict[Need, Fact] = {}
        for _ in range(4):
            wanted = needs(view, inbound, known) - known.keys()
            known |= {need: self._fact(need) for need in wanted}
        return known

    def _fact(self, need: Need) -> Fact:
        if type(need) in self.unreadable:
            return Unknown("GitHub answered 502")
        match need:
            case RoleOf(user_id=user):
                return RoleFact(self.roles.get(user, Role.NONE))
            case IssueNow():
                state: Literal["open", "closed"] = "open" if self.issue_open else "closed"
                return IssueFact(42, "Export", "Umlauts break", STRANGER, "User", state, False, "", "")
            case DefaultHead():
                return HeadFact("main", self.head)
            case SettingsAt(sha=sha):
                return SettingsFact(self.settings, sha, model_line=self.model_line)
            case CommentNow(id=comment):
                return self.comments.get(comment, Missing())
            case _:
                return Missing()

    def inbound(self, body: Mapping[str, Any], at: int | None = None) -> str:
        """A door's write, handled at once; returns what it came to."""
        key = keys.inbound(PK, at or self.now, f"{self.number():026d}")
        whole = {"received": at or self.now, **body}
        self.store.commit(Put(Record(key, "inbound", whole, due=self.now), ABSENT))
        return self.handle(key)

    def decide(self, key: Key) -> Decision:
        """What the inbound comes to now; nothing is committed."""
        record = self.store.get(key)
        assert record is not None
        inbound = Inbound.model_validate(record.body)
        view = self.view(_job_of(inbound))
        fresh = Fresh(
            tuple(f"j{self.count:06d}{each:03d}" for each in range(3)),
            tuple(f"{self.count:020d}{each:06d}" for each in range(6)),
        )
        facts = self.facts_of(view, inbound)
        decision = decide(view, inbound, key, record.version, facts, self.now, fresh)
        assert decision == decide(view, inbound, key, record.version, facts, self.now, fresh), "decide is not pure"
        return decision

    def handle(self, key: Key) -> str:
        decision = self.decide(key)
        before = dict(self.store.items)
        self.store.commit(*decision.changes)
        rules.check(before, self.store.items, self.view())
        self.outcomes.append(decision.outcome)
        return decision.outcome

    # --- people --------------------------------------------------------------------------------------------

    def says(self, who: Person, text: str) -> str:
        """A new comment, through the door's own reading of it."""
        self.now += 1000
        number = self.number() + 1000
        user = {"id": who.id, "login": who.login, "type": "User"}
        self.comments[number] = CommentFact(number, text, who, "User", None, f"#issuecomment-{number}", "", 42)
        comment = {"id": number, "body": text, "user": user, "html_url": f"#issuecomment-{number}"}
        return self._through_the_door("issue_comment", {"action": "created", "comment": comment, "sender": user})

    def edits(self, who: Person, slot: str, before: str, after: str) -> str:
        """Somebody edits a comment of ours."""
        self.now += 1000
        remote = self.issue.slots[slot]
        comment = {"id": remote.id, "body": after, "user": {"id": 1000, "login": "persevere[bot]"}}
        comment |= {"performed_via_github_app": {"id": APP}, "updated_at": str(self.now)}
        user = {"id": who.id, "login": who.login, "type": "User"}
        changes = {"body": {"from": before}}
        payload = {"action": "edited", "comment": comment, "sender": user, "changes": changes}
        return self._through_the_door("issue_comment", payload)

    def ticks(self, who: Person, version: int) -> str:
        body = spec_body(version)
        return self.edits(who, f"spec-v{version}", body, body.replace("[ ]", "[x]"))

    def unticks(self, who: Person, version: int) -> str:
        body = spec_body(version)
        return self.edits(who, f"spec-v{version}", body.replace("[ ]", "[x]"), body)

    def issue_event(self, who: Person, action: str) -> str:
        self.issue_open = {"closed": False, "reopened": True}.get(action, self.issue_open)
        user = {"id": who.id, "login": who.login, "type": "User"}
        return self._through_the_door("issues", {"action": action, "sender": user})

    def pull_event(self, who: Person, action: str, *, merged: bool = False, head: str = "") -> str:
        """The conductor brings it home by the pull request's link before it decides."""
        pull = self.issue.pull
        data = {"number": pull.number if pull else 57, "merged": merged, "head": head}
        sender = who.model_dump()
        return self.inbound({"kind": "pull", "action": action, "sender": sender, "number": 57, "data": data})

    def _through_the_door(self, event: str, payload: dict[str, Any]) -> str:
        repository = {"id": 7, "full_name": "octo-org/octo-repo", "private": self.private, "default_branch": "main"}
        issue = {"number": 42, "state": "open" if self.issue_open else "closed"}
        whole = payload | {"repository": repository, "issue": issue, "installation": {"id": 5}}
        match enclose(event, whole, app_id=APP, command="/persevere"):
            case Envelope(pk=pk, body=body):
                assert pk == PK
                return self.inbound(body)
            case Ignored(reason=reason):
                return f"door: {reason}"

    # --- effects -------------------------------------------------------------------------------------------

    def perform(self, effect: Effect, state: str = "done", error: str = "", **remote: Any) -> str:
        """An effect ends, in one transaction with its outcome; what `done` brings is made up here."""
        key = (keys.level_effect if effect.level else keys.once_effect)(PK, effect.id)
        record = self.store.get(key)
        assert record is not None
        found = remote or (self._remote(effect) if state == "done" else {})
        ended = {"state": state, "done": effect.wanted, "remote": found, "error": error}
        self.store.commit(Put(replace(record, body=record.body | ended, due=None), AtVersion(record.version)))
        data: dict[str, Any] = {"effect": effect.id, "kind": effect.kind, "slot": effect.slot, "state": state}
        data |= {"remote": found, "error": error, "wanted": effect.wanted, "data": effect.data}
        return self.inbound({"kind": "outcome", "data": data})

    def _remote(self, effect: Effect) -> dict[str, Any]:
        number = self.number() + 5000
        match effect.kind:
            case "spec_comment":
                body = spec_body(int(effect.data["version"]))
                slot = self.issue.slots.get(effect.slot)
                comment = slot.id if slot else number
                self.comments[comment] = CommentFact(comment, body, None, "Bot", APP, "", "", 42)
                return {"id": comment, "sha256": hashlib.sha256(body.encode()).hexdigest()}
            case "comment" | "status":
                made: dict[str, Any] = {"id": number, "sha256": "0" * 64}
                return made | ({"next_by": self.now + 5 * MINUTE} if effect.kind == "status" else {})
            case "branch" | "commit":
                sha = f"{number:040x}"
                return {"branch": effect.data["branch"], "sha": sha, "files": 1}
            case "pull":
                return {"number": 57, "draft": effect.data["draft"], "head": self.issue.head, "state": "open"}
            case "pull_text":
                return {"number": 57, "draft": effect.data.get("draft", True)}
            case "checks":
                return {"checks": {}, "head": self.issue.head}
            case _:
                return {}

    def settle(self, *but: str) -> None:
        """Everything that is wished for happens, but for these kinds."""
        for _ in range(50):
            todo = [each for each in self.effects() if each.kind not in but]
            if not todo:
                return
            self.perform(todo[0])
        raise AssertionError(f"effects without end: {[each.kind for each in todo]}")

    # --- runner and planner --------------------------------------------------------------------------------

    def claims(self, job: str | None = None) -> str:
        """A runner takes the active job."""
        state = self.job(job)
        key = keys.job_lease(state.id)
        old = self.store.get(key)
        epoch = int(old.body["epoch"]) + 1 if old else 1
        lease = Lease(job=state.id, launch=state.launch, epoch=epoch, nonce="n" * 16, until=self.now + MINUTE)
        expect = AtVersion(old.version) if old else ABSENT
        self.store.commit(Put(Record(key, "lease", lease.model_dump(mode="json"), epoch=epoch), expect))
        return self.inbound({"kind": "job", "data": {"job": state.id, "epoch": epoch, "claimed": True}})

    def finishes(self, outcome: str, job: str | None = None, **fields: Any) -> str:
        """A runner's last word."""
        state = self.job(job)
        finish = Finish.model_validate({"outcome": outcome, **fields})
        key = keys.job_lease(state.id)
        old = self.store.get(key)
        if old is not None:
            over = replace(old, body=old.body | {"finished": True, "until": self.now})
            self.store.commit(Put(over, AtVersion(old.version)))
        data = {"job": state.id, "epoch": 1, "finish": finish.model_dump(mode="json")}
        return self.inbound({"kind": "job", "data": data})

    def surveys(self, job: str | None = None, **base: str) -> str:
        """A survey ends well; a tryout saw `base` (criterion -> outcome, underscore for dash)."""
        state = self.job(job)
        seen = tuple(observed(name, "base", outcome, BASE) for name, outcome in (base or TODAY).items())
        survey = Survey(observations=seen if state.purpose == "tryout" else (), setup="make setup")
        return self.finishes("surveyed", state.id, survey=survey)

    def verifies(self, job: str | None = None, **head: str) -> str:
        """A proof ends: AC_1 failed at base, AC_2 passed there; `head` says what each did after (default: pass)."""
        state = self.job(job)
        for name in ("AC_1", "AC_2"):
            for side, outcome in (("base", TODAY[name]), ("head", head.get(name, "pass"))):
                seen = observed(name, side, outcome, str(state.head if side == "head" else BASE))
                key = keys.evidence(state.id, seen.criterion, side)
                old = self.store.get(key)
                expect = AtVersion(old.version) if old else ABSENT
                self.store.commit(Put(Record(key, "evidence", seen.model_dump(mode="json")), expect))
        return self.finishes("verified", state.id)

    def plans(self, effect: str | None = None, **answer: Any) -> str:
        """The planner answers the newest ask (or the named one)."""
        asks = sorted(self.effects("start_planner", still_open=False), key=lambda each: each.cause)
        whole = PlannerAnswer.model_validate({"outcome": "spec", "spec": SPEC, **answer})
        data = {"effect": effect or asks[-1].id, "answer": whole.model_dump(mode="json")}
        return self.inbound({"kind": "planner", "data": data})

    def spends(self, nano: int, seconds: float = 0.0) -> None:
        """The gateway's write."""
        approval = self.issue.approval
        assert approval is not None
        record = self.store.get(keys.ledger(PK, approval.ledger))
        assert record is not None
        ledger = Ledger.model_validate(record.body)
        after = ledger.model_copy(update={"spent_nano": ledger.spent_nano + nano, "spent_seconds": seconds})
        self.store.commit(Put(replace(record, body=after.model_dump(mode="json")), AtVersion(record.version)))

    def steps(self, number: int) -> None:
        """The runner's heartbeat: it is that far."""
        record = self.store.get(keys.job_lease(self.job().id))
        assert record is not None
        self.store.commit(Put(replace(record, body=record.body | {"step": number}), AtVersion(record.version)))

    def issue_changes(self, **fields: Any) -> None:
        """As if it had come so far."""
        record = self.store.get(keys.issue_state(PK))
        assert record is not None
        self.store.commit(Put(replace(record, body=record.body | fields), AtVersion(record.version)))

    # --- time ----------------------------------------------------------------------------------------------

    def rings(self, *names: str) -> str:
        """The named deadlines pass (all the earliest, without a name) and the watchdog says so."""
        deadlines = self.issue.deadlines
        assert deadlines, "nothing is due"
        chosen = names or (min(deadlines, key=lambda name: deadlines[name]),)
        self.now = max(self.now, *(deadlines[name] for name in chosen))
        return self.inbound({"kind": "deadline", "data": {"names": list(chosen)}})

    def loses_lease(self) -> str:
        """The holder of the active job goes silent."""
        self.now += 2 * MINUTE
        return self.inbound({"kind": "deadline", "data": {"names": ["lease"], "job": self.issue.job}})

    def hands_over(self, files: int = 1) -> World:
        """The build ends and its commit lands: a proof begins."""
        tree = f"tree{self.number()}"
        self.finishes("handed_over", changeset="blob", tree=tree, files=files, summary="done")
        self.settle()
        return self


TODAY = {"AC_1": "fail", "AC_2": "pass"}


def spec_body(version: int) -> str:
    return f"**spec v{version} is ready**\n\n- [ ] **Approve v{version} and start**\n"


def observed(criterion: str, side: str, outcome: str, sha: str) -> Observation:
    exits = {"pass": 0, "fail": 1, "could_not_run": 127}
    run = Run.model_validate({"outcome": outcome, "exit": exits[outcome], "reason": "" if outcome == "pass" else "no"})
    name = criterion.replace("_", "-")
    return Observation.model_validate({"criterion": name, "side": side, "sha": sha, "runs": (run, run)})


def _job_of(inbound: Inbound) -> str | None:
    data = inbound.data
    job = data.get("job") or data.get("started_by") or (data.get("data") or {}).get("job")
    return str(job) if job else None
