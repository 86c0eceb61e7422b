"""Sample views for texts: octocat's issue 42 in octo-org/octo-repo, in every state that it can be in.

Everything is built from the same few facts; a builder takes what differs as keyword arguments (`issue`, `job`, ...).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.domain.events import Event, EventKind
from shared.domain.evidence import Acceptance, Conclusion, Side, Verdict
from shared.domain.issue import (
    Approval,
    Interview,
    IssueState,
    JobLine,
    Option,
    Pull,
    Question,
    Remote,
    TakenText,
    Waiting,
)
from shared.domain.job import JobState, Lease
from shared.domain.ledger import Ledger
from shared.domain.money import NANO
from shared.domain.operator import Offer, Operator
from shared.domain.people import Person, Repository
from shared.domain.protocol import Call, CallResult, CheckToRun, Observation, Reply, Run, Survey, TestIds, Workflows
from shared.domain.spec import Criterion, Source, Spec, SpecLimits, SpecRecord, canonical_text, sha256_of
from shared.domain.step import Asking, Billed, StepState
from shared.domain.view import View

OCTOCAT = Person(id=583231, login="octocat")
HUBOT = Person(id=480938, login="hubot")
REPOSITORY = Repository(id=1296269, full_name="octo-org/octo-repo")
PK = "ISSUE#1296269#42"
URL = "https://github.com/octo-org/octo-repo"
BASE, HEAD = "a1b2c3d4" + "0" * 32, "5c4d3e2f" + "0" * 32

MINUTE = 60_000
NOW = 1_795_442_400_000 + 2 * MINUTE  # 23 Nov 2026 14:02 UTC


def at(clock: str) -> int:
    """UTC ms of `HH:MM` on the day of NOW."""
    hours, minutes = clock.split(":")
    return NOW - 14 * 60 * MINUTE - 2 * MINUTE + (int(hours) * 60 + int(minutes)) * MINUTE


def cents(amount: int) -> int:
    return amount * NANO // 100


OPERATOR = Operator(
    model="anthropic:claude-sonnet-5-5",
    model_shown="claude-sonnet-5-5 (Anthropic)",
    sandbox_shown="bubblewrap",
    models=("anthropic:claude-sonnet-5-5", "openai:gpt-6.1-sol"),
    fallbacks=("openai:gpt-6.1-sol",),
    offers=(
        Offer(name="anthropic:claude-sonnet-5-5", input=2_000, output=10_000, cached=100),
        Offer(name="openai:gpt-6-luna", input=100, output=500, cached=10),
        Offer(name="openai:gpt-6.1-sol", input=2_000, output=10_000, cached=100),
    ),
    job_nano=cents(600),
)


# --- spec -----------------------------------------------------------------------------------------------------


def criteria() -> tuple[Criterion, ...]:
    return (
        Criterion(
            id="AC-1",
            kind="new",
            text="`octo export --locale de` writes `;` between fields and `,` as decimal mark",
            check=CheckToRun(
                origin="spec",
                run="octo export --locale de sample.db out.csv\nhead -1 out.csv | grep -q ';'",
            ),
        ),
        Criterion(
            id="AC-2",
            kind="keep",
            text="without `--locale`, not one byte of the file changes",
            check=CheckToRun(
                origin="existing",
                kind="test",
                run="pytest tests/test_export.py::test_golden",
                ids=("tests.test_export::test_golden",),
            ),
        ),
        Criterion(
            id="AC-3",
            kind="new",
            text="an unknown locale ends with exit code 2 and a list of known ones",
            check=CheckToRun(
                origin="agent",
                kind="test",
                run="pytest tests/test_locale.py",
                ids=("tests.test_locale::test_unknown",),
                files=("tests/test_locale.py",),
            ),
        ),
        Criterion(
            id="AC-4",
            kind="keep",
            text="the repository's own tests",
            check=CheckToRun(origin="existing", kind="suite", run="pytest -q"),
        ),
        Criterion(id="AC-5", kind="person", text="the help text is clear to an accountant"),
    )


def spec(version: int = 2, **fields: Any) -> Spec:
    whole = Spec(
        version=version,
        title="Export CSV with German separators",
        goals=("German users open the export in a spreadsheet without repairing it.",),
        criteria=criteria(),
        out_of_scope=("French and Swiss formats", "a change of the default"),
        assumptions=("umlauts are written as UTF-8 with BOM",),
        limits=SpecLimits(nano=cents(600), seconds=3600),
        touches=("src/octo/export.py", "tests/"),
        sources=(
            Source(line="AC-1", kind="answer", author="octocat", link=f"{URL}/issues/42#issuecomment-11", quote="1c"),
            Source(line="AC-2", kind="answer", author="octocat", link=f"{URL}/issues/42#issuecomment-11", quote="2a"),
            Source(
                line="AC-3", kind="issue", author="octocat", link=f"{URL}/issues/42", quote="should not crash on typos"
            ),
            Source(line="UTF-8 with BOM", kind="assumed"),
        ),
        base=BASE,
    )
    return whole.model_copy(update=fields)


def record(version: int = 2, whole: Spec | None = None, **fields: Any) -> SpecRecord:
    whole = whole or spec(version)
    snapshot = SpecRecord(
        spec=whole,
        sha256=sha256_of(whole),
        text=canonical_text(whole),
        made_at=at("14:10"),
        today={
            "AC-1": "fails, as it should",
            "AC-2": "passes",
            "AC-3": "test to be written",
            "AC-4": "214 pass",
            "AC-5": "your call",
        },
    )
    return snapshot.model_copy(update=fields)


def survey(**fields: Any) -> Survey:
    found = Survey(
        sandbox="bubblewrap (own namespaces, no new privileges)",
        network="open in set-up, loopback only while building and proving",
        setup="uv sync",
        setup_source="uv.lock",
        setup_run=Run(outcome="pass", exit=0, seconds=41.0),
        tests="pytest -q",
        tests_source="pyproject.toml",
        tests_run=Run(outcome="pass", exit=0, seconds=38.2, tests=TestIds(count=214)),
        instructions=("AGENTS.md", ".github/pull_request_template.md"),
        workflows=Workflows(on_pull_request=3, with_secrets=1),
    )
    return found.model_copy(update=fields)


# --- verdicts -------------------------------------------------------------------------------------------------


def side(outcome: str = "pass", **fields: Any) -> Side:
    exits = {"pass": 0, "fail": 1, "could_not_run": None}
    return Side.model_validate({"outcome": outcome, "exit": exits[outcome], "seconds": 1.2} | fields)


def verdict(criterion: str, conclusion: Conclusion, **fields: Any) -> Verdict:
    about = next(each for each in criteria() if each.id == criterion)
    whole = Verdict(
        criterion=criterion,
        kind=about.kind,
        text=about.text,
        conclusion=conclusion,
        run=about.check.run if about.check else "",
        own_test=about.check is not None and about.check.origin == "agent",
    )
    return whole.model_copy(update=fields)


def held() -> tuple[Verdict, ...]:
    """Four hold, the fifth needs a person."""
    return (
        verdict("AC-1", "proved", base=side("fail", exit=2, seconds=0.4), head=side(seconds=0.5), tail="a;b;c"),
        verdict("AC-2", "kept", base=side(), head=side(seconds=1.3)),
        verdict("AC-3", "proved", base=side("fail"), head=side()),
        verdict(
            "AC-4", "kept", base=side(passed=214, failed=0, seconds=38.2), head=side(passed=221, failed=0, seconds=39)
        ),
        verdict("AC-5", "your_call"),
    )


def all_held() -> tuple[Verdict, ...]:
    return (*held()[:4], accepted_verdict())


def accepted_verdict(why: str = "I read it aloud to our accountant") -> Verdict:
    word = Acceptance(what="AC-5", by=OCTOCAT, role="maintain", why=why, at=at("15:40"), head=HEAD)
    return verdict("AC-5", "accepted", accepted=word)


def one_failed() -> tuple[Verdict, ...]:
    failed = verdict(
        "AC-2",
        "failed",
        reason="byte 118: expected 0x0a, found 0x0d",
        base=side(),
        head=side("fail", seconds=1.3),
        tail="E   AssertionError: byte 118: expected 0x0a, found 0x0d\n1 failed in 1.21s",
    )
    return (held()[0], failed, *held()[2:])


def one_unproven() -> tuple[Verdict, ...]:
    open_one = verdict(
        "AC-3",
        "unproven",
        reason="the check could not run: go: not found",
        base=side("could_not_run", reason="go: not found"),
        head=side("could_not_run", reason="go: not found"),
        run="go test ./locale",
        tail="sh: 1: go: not found",
    )
    return (*held()[:2], open_one, *held()[3:])


def one_flaky() -> tuple[Verdict, ...]:
    flaky = verdict(
        "AC-1",
        "failed",
        reason="passes 3 times of 5",
        flaky="passes 3 times of 5",
        base=side("fail"),
        head=side("fail"),
        tail="expected ; found ,",
    )
    return (flaky, *held()[1:])


def observation(criterion: str, where: str, *outcomes: str, failed: tuple[str, ...] = ()) -> Observation:
    """`outcomes` are those of its runs, in order; `failed` the test ids that each failing one reports."""
    exits = {"pass": 0, "fail": 1, "could_not_run": None}
    runs = tuple(
        Run.model_validate(
            {
                "outcome": each,
                "exit": exits[each],
                "seconds": 1.2,
                "tests": TestIds(failed=failed, count=len(failed)) if failed and each == "fail" else None,
            }
        )
        for each in outcomes
    )
    sha = BASE if where == "base" else HEAD
    return Observation.model_validate({"criterion": criterion, "side": where, "sha": sha, "runs": runs})


# --- issue, job, ledger ---------------------------------------------------------------------------------------

QUESTIONS = (
    Question(
        number=1,
        text="What goes wrong when the file is opened in Germany?",
        options=(
            Option(
                letter="a",
                text="everything lands in one column, because `,` separates the fields",
                why="the second line of the issue says so",
            ),
            Option(letter="b", text="umlauts are broken"),
            Option(letter="c", text="both"),
        ),
    ),
    Question(
        number=2,
        text="May the file change for everybody?",
        options=(
            Option(letter="a", text="no, only with a new option", why="two scripts in `tools/` read today's format"),
            Option(letter="b", text="yes"),
        ),
    ),
    Question(
        number=3,
        text="Which formats are needed now?",
        options=(
            Option(letter="a", text="German", why="the title names it"),
            Option(letter="b", text="German and French"),
        ),
    ),
)
KNOWN = ("The export lives in `src/octo/export.py`, options are read with argparse.", "Tests: `pytest -q`, 214 pass.")

TAKEN = TakenText(
    title="CSV export is useless in Germany",
    body="Everything lands in one column.",
    author=OCTOCAT,
    author_role="maintain",
    at=at("14:01"),
    sha256="0" * 64,
)


def issue(phase: str = "interviewing", **fields: Any) -> IssueState:
    whole = IssueState(
        pk=PK,
        repository=REPOSITORY,
        installation_id=1,
        number=42,
        title="CSV export is useless in Germany",
        author=OCTOCAT,
        requester=OCTOCAT,
        taken=TAKEN,
        surveyed_sha=BASE,
    )
    return whole.model_copy(update={"phase": phase} | fields)


def approval(version: int = 2, **fields: Any) -> Approval:
    whole = Approval(
        version=version,
        sha256=sha256_of(spec(version)),
        by=OCTOCAT,
        role="maintain",
        at=at("14:21"),
        base=BASE,
        ledger=1,
        way="box",
    )
    return whole.model_copy(update=fields)


SLOTS = {
    "questions-1": Remote(id=10, url=f"{URL}/issues/42#issuecomment-10"),
    "spec-v1": Remote(id=12, url=f"{URL}/issues/42#issuecomment-12"),
    "spec-v2": Remote(id=13, url=f"{URL}/issues/42#issuecomment-13"),
    "spec-v3": Remote(id=14, url=f"{URL}/issues/42#issuecomment-14"),
}
JOB = "k3m8x2a9qd"


def job(kind: str = "build", **fields: Any) -> JobState:
    whole = JobState.model_validate(
        {
            "id": JOB,
            "kind": kind,
            "status": "running",
            "issue": PK,
            "repository": REPOSITORY,
            "installation_id": 1,
            "spec_version": 2,
            "ledger": 1,
            "base": BASE,
            "model": "anthropic:claude-sonnet-5-5",
            "requested_by": OCTOCAT,
            "sandbox": "bubblewrap (own namespaces, no new privileges)",
            "network": "loopback only",
        }
    )
    return whole.model_copy(update=fields)


def lease(step: int = 23, **fields: Any) -> Lease:
    whole = Lease(job=JOB, launch=1, epoch=1, nonce="n" * 16, until=NOW + MINUTE, step=step, doing="bash: pytest -q")
    return whole.model_copy(update=fields)


def ledger(spent: int = 112, seconds: float = 540, **fields: Any) -> Ledger:
    whole = Ledger(limit_nano=cents(600), limit_seconds=3600, spent_nano=cents(spent), spent_seconds=seconds)
    return whole.model_copy(update=fields)


ASK = Ledger(limit_nano=cents(50), limit_seconds=600, spent_nano=cents(21), kept_percent=0)


def proving_call(step: int, criterion: str, passed: bool, model: str = "") -> StepState:
    """A step in which the agent tried one criterion itself."""
    command = f"sh checks/{criterion.lower()}.sh"
    data = {"criterion": criterion, "command": command, "passed": passed}
    return StepState(
        step=step,
        asking=Asking(asker="a", until=0, hold="", model=model) if model else None,
        raw={},
        reply=Reply(
            step=step, calls=(Call(id=f"c{step}", tool="prove", args={"criterion": criterion, "command": command}),)
        ),
        billed=Billed(nano=cents(3)),
        results=(CallResult(call=f"c{step}", status="ok", exit=0 if passed else 1, text="", data=data),),
    )


def event(clock: str, kind: EventKind, title: str, **data: Any) -> Event:
    return Event(at=at(clock), job=JOB, phase="building", kind=kind, title=title, data=data)


EVENTS = (
    event("14:21", "command", "approved v2 by octocat (maintain)", spent_nano=0),
    event("14:22", "phase", "machine ready: bubblewrap", spent_nano=0),
    event("14:26", "tool", "edit src/octo/export.py", spent_nano=cents(61)),
    event("14:29", "step", "tests: 213 pass, 1 fails", spent_nano=cents(98)),
    event("14:30", "command", "hubot: passed on", spent_nano=cents(112)),
)


# --- views ----------------------------------------------------------------------------------------------------


def view(state: IssueState | None = None, **fields: Any) -> View:
    return replace(View(pk=PK, operator=OPERATOR, issue=state or issue(), ask=ASK), **fields)


def asked(**fields: Any) -> View:
    """Questions are open."""
    interview = Interview(round=1, questions=QUESTIONS, known=KNOWN, asked_at=at("14:05"))
    return view(issue("interviewing", interview=interview, slots=SLOTS, survey=survey(), **fields))


def waiting_spec(**fields: Any) -> View:
    """Spec v2 waits for approval."""
    state = issue(
        "proposed", version=2, proposed_at=at("14:12"), proposed_posted=True, slots=SLOTS, survey=survey(), **fields
    )
    return view(state, spec=record())


def working(phase: str = "building", **fields: Any) -> View:
    """Approved, with a running build unless `job` says otherwise; fields of the view and of the issue may be given."""
    of_view = {
        name: fields.pop(name) for name in tuple(fields) if name in View.__dataclass_fields__ and name != "issue"
    }
    state = issue(
        phase,
        **(
            {
                "version": 2,
                "slots": SLOTS,
                "approval": approval(),
                "job": JOB,
                "build": JOB,
                "branch": "persevere/42-k3m8x2a9qd",
                "marker_head": "f" * 40,
                "survey": survey(),
                "touched_at": at("14:30"),
            }
            | fields
        ),
    )
    whole = view(state, spec=record(), approved=record(), job=job(), lease=lease(), build=job(), ledger=ledger())
    return replace(whole, **of_view)


def proved(verdicts: tuple[Verdict, ...] | None = None, **fields: Any) -> View:
    """A pull request waits for people; `verdicts` default to four that hold and one that needs a person."""
    draft = any(each.conclusion in ("failed", "unproven") for each in verdicts or ())
    build = job(status="handed_over", summary="Adds a `--locale` option.\n\nThe csv module does the quoting.", steps=47)
    jobs = (
        JobLine(id=JOB, kind="build", status="handed_over", steps=41, seconds=900),
        JobLine(id="k3m9", kind="verify", status="handed_over", seconds=150),
        JobLine(id="k3ma", kind="build", status="handed_over", round=2, steps=6, seconds=240),
        JobLine(id="k3mb", kind="verify", status="handed_over", round=2, seconds=150),
    )
    fields = {
        "job": None,
        "head": HEAD,
        "verified_head": HEAD,
        "verdicts": verdicts or held(),
        "round": 2,
        "jobs": jobs,
        "pull": Pull(number=57, draft=draft, head=HEAD, url=f"{URL}/pull/57"),
        "lease": None,
        "ledger": ledger(241, 1440, parts={"build": cents(202), "verify": cents(39)}),
    } | fields
    whole = working(fields.pop("phase", "in_review"), **fields)
    return replace(whole, job=None, build=build)


def halted(phase: str, reason: str, line: str = "", **fields: Any) -> View:
    """A halt after a red proof; `waiting` is built from reason and line unless given."""
    halt = Waiting(
        reason=reason, line=line, whose=fields.pop("whose", ""), since=at("14:40"), detail=fields.pop("detail", "")
    )
    return proved(one_failed(), **({"phase": phase, "waiting": halt, "round": 3} | fields))
