"""Every text that a person can see, by the name of its golden file: (kind, text)."""

from __future__ import annotations

from collections.abc import Callable

from shared.domain import messages as m
from shared.domain.issue import Interview, Note, Pull, Waiting
from shared.domain.messages import Message
from shared.domain.people import Role
from shared.domain.spec import SpecLimits
from shared.domain.step import Asking, Out, StepState
from shared.domain.view import View
from shared.render.checks import render_checks
from shared.render.comments import render_comment
from shared.render.commit_message import render_commit
from shared.render.pull import render_pull
from shared.render.spec_comment import render_decided, render_spec
from shared.render.status import render_status
from tests.unit.render import views as v

Sample = tuple[str, Callable[[], str]]


def _status(view: View, clock: str, until: str | None = None) -> Sample:
    return "status", lambda: render_status(view, v.at(clock), v.at(until) if until else None)


def _comment(message: Message, view: View) -> Sample:
    return "comment", lambda: render_comment(message, view)


def _spec(view: View, version: int = 2, **more: object) -> Sample:
    return "spec", lambda: render_spec(view, version, **more)  # type: ignore[arg-type]


def _pull(view: View) -> Sample:
    def text() -> str:
        pull = render_pull(view)
        return f"{pull.title}\n\n{pull.body}"

    return "pull", text


def _check(view: View, slot: str, clock: str = "14:50") -> Sample:
    def text() -> str:
        run = next(each for each in render_checks(view, v.at(clock)) if each.slot == slot)
        state = run.conclusion or run.status
        return f"**{run.name}** · {state} · `{run.title}`\n\n{run.summary}" + (f"\n{run.text}" if run.text else "")

    return "check", text


# --- status ---------------------------------------------------------------------------------------------------

TRIES = (v.proving_call(3, "AC-1", True), v.proving_call(5, "AC-2", False))
NEAR_MISS = Note(name="near_miss_other_line", who="hubot", text="/persevere approve v2", at=v.at("14:20"))
EDITED = Note(name="issue_edited", who="octocat", at=v.at("14:33"))
LOST = Note(name="runner_lost", text="17", at=v.at("14:28"))
REVISED = v.issue(
    "interviewing",
    version=2,
    approval=v.approval(),
    revision="warn instead of exit 2",
    revision_by="hubot",
    slots=v.SLOTS,
)
TRYING = v.issue("interviewing", version=1, job=v.JOB, survey=v.survey())
ANSWERED = Interview(
    round=1, questions=v.QUESTIONS, known=v.KNOWN, asked_at=v.at("14:05"), heard_at=v.at("14:09"), answers=2
)


WAITS = Asking(
    asker="a", until=v.at("12:07"), hold="", model="anthropic:claude-sonnet-5-5", busy="overloaded",
    busy_since=v.at("12:04"), outs=(Out(model="openai:gpt-6.1-sol", cause="key", since=v.at("12:05")),),
)  # fmt: skip
SWITCHED = Asking(
    asker="a", until=v.at("12:08"), hold="h", model="openai:gpt-6.1-sol",
    outs=(Out(model="anthropic:claude-sonnet-5-5", cause="overloaded", since=v.at("12:04")),),
)  # fmt: skip
NO_MONEY = "$18.20 of today's $20.00 is spent or set aside, and this may need $6.00"
NO_ASKING = "$4.80 of the $5.00 for asking here today is spent or set aside, and this may need $0.50"
DROPPED = Note(name="answer_dropped", text="$0.05", at=v.at("14:45"))
CHOSEN = Note(name="model_chosen", who="hubot", text="openai:gpt-6.1-sol", at=v.at("14:20"))
READ = v.ledger(112).model_copy(update={"read_tokens": 1_000_000, "cached_tokens": 914_000})


def _stopped(reason: str, **fields: object) -> View:
    halt = Waiting(reason=reason, detail="step 41", line="/persevere resume", whose="hubot", since=v.at("14:44"))
    return v.working("stopped", waiting=halt, job=None, head=v.HEAD, ledger=v.ledger(184), **fields)


STATUS: dict[str, Sample] = {
    "status-idle": _status(v.view(v.issue("idle")), "14:00"),
    "status-reading": _status(v.view(ask=None), "14:02", "14:07"),
    "status-reading-surveyed": _status(v.view(v.issue(survey=v.survey())), "14:02", "14:07"),
    "status-questions": _status(v.asked(left_out_comments=2), "14:05"),
    "status-answers-heard": _status(v.view(v.issue(interview=ANSWERED)), "14:09", "14:14"),
    "status-writing-next-version": _status(v.view(REVISED, spec=v.record(), approved=v.record()), "14:31", "14:36"),
    "status-trying-checks": _status(
        v.view(TRYING, spec=v.record(1), job=v.job("survey", purpose="tryout")), "14:11", "14:16"
    ),
    "status-spec-waits": _status(v.waiting_spec(), "14:12"),
    "status-spec-waits-near-miss": _status(v.waiting_spec(notes=(NEAR_MISS,), left_out_commands=1), "14:21"),
    "status-approved-queued": _status(
        v.working(
            "approved", job=v.job(status="queued", reason="3 jobs are ahead in this repository, and 3 run at once")
        ),
        "14:21",
        "14:26",
    ),
    "status-approved-queued-money": _status(
        v.working("approved", job=v.job(status="queued", reason=NO_MONEY)), "14:21", "14:26"
    ),
    "status-asking-queued": _status(
        v.view(v.issue(queued=NO_ASKING, deadlines={"queue": v.at("14:12")}, survey=v.survey())), "14:02", "14:07"
    ),
    "status-approved-launching": _status(v.working("approved", job=v.job(status="launching")), "14:22", "14:27"),
    "status-building-first": _status(v.working(lease=None, ledger=v.ledger(0, 0)), "14:22", "14:27"),
    "status-building": _status(v.working(steps=TRIES), "14:30", "14:35"),
    "status-building-cached": _status(v.working(steps=TRIES, ledger=READ), "14:30", "14:35"),
    "status-building-provider-waits": _status(
        v.working(steps=(*TRIES, StepState(step=6, asking=WAITS)), asking=WAITS), "12:06", "12:11"
    ),
    "status-building-another-provider": _status(
        v.working(steps=(*TRIES, StepState(step=6, asking=SWITCHED)), asking=SWITCHED), "12:07", "12:12"
    ),
    "status-building-queued": _status(
        v.working(round=2, job=v.job(status="queued", reason=NO_MONEY), lease=None), "14:30", "14:35"
    ),
    "status-reading-provider-waits": _status(
        v.view(v.issue(survey=v.survey(), planning="p" * 20), asking=WAITS), "12:06", "12:11"
    ),
    "status-model-chosen": _status(v.waiting_spec(notes=(CHOSEN,), model="openai:gpt-6.1-sol"), "14:21"),
    "status-building-nearly-used": _status(
        v.working(steps=TRIES, ledger=v.ledger(408, 1500), lease=v.lease(41, wrap_up=True)), "14:45", "14:50"
    ),
    "status-building-runner-lost": _status(
        v.working(notes=(LOST, EDITED), unread_comments=2, job=v.job(launch=2)), "14:31", "14:36"
    ),
    "status-proving": _status(
        v.working("verifying", job=v.job("verify", head=v.HEAD), head=v.HEAD, ledger=v.ledger(167, 840)),
        "14:35",
        "14:40",
    ),
    "status-publishing-change": _status(v.working("verifying", job=None), "14:34", "14:39"),
    "status-red-proof": _status(
        v.working(round=2, head=v.HEAD, verified_head=v.HEAD, verdicts=v.one_failed(), ledger=v.ledger(170, 1080)),
        "14:39",
        "14:44",
    ),
    "status-in-review": _status(v.proved(), "14:46"),
    "status-in-review-all-held": _status(v.proved(v.all_held()), "15:41"),
    "status-unproved": _status(
        v.halted("waiting", "unproved", "/persevere revise AC-2: line ends may differ"), "14:52"
    ),
    "status-paused-money": _status(
        v.halted("paused", "out_of_money", "/persevere extend +$1", ledger=v.ledger(593, 2460)), "14:52"
    ),
    "status-waiting-machine": _status(
        v.working(
            "waiting",
            job=None,
            waiting=Waiting(
                reason="no_machine",
                detail="no capacity for this size",
                line="/persevere resume",
                whose="octocat",
                since=v.at("14:22"),
            ),
        ),
        "14:52",
    ),
    "status-waiting-for-provider": _status(
        v.working(
            "waiting",
            job=None,
            waiting=Waiting(
                reason="provider_out",
                detail="Anthropic is overloaded since 14:12 UTC",
                line="/persevere resume",
                since=v.at("14:22"),
            ),
            deadlines={"provider": v.at("14:52")},
        ),
        "14:24",
        "14:57",
    ),
    "status-stopped": _status(_stopped("stopped"), "14:44"),
    "status-stopped-answer-dropped": _status(_stopped("stopped", notes=(DROPPED,)), "14:46"),
    "status-stopped-closed": _status(_stopped("closed"), "14:50"),
    "status-reopened": _status(_stopped("reopened"), "14:55"),
    "status-done": _status(
        v.proved(
            v.all_held(),
            phase="done",
            waiting=Waiting(reason="merged", whose="hubot", since=v.at("15:50")),
            pull=Pull(number=57, draft=False, state="merged", url=f"{v.URL}/pull/57"),
        ),
        "15:50",
    ),
    "status-closed-unmerged": _status(
        v.proved(
            phase="ended",
            waiting=Waiting(reason="pull_closed", whose="hubot", line="/persevere retry", since=v.at("15:50")),
            pull=Pull(number=57, draft=False, state="closed", url=f"{v.URL}/pull/57"),
        ),
        "15:50",
    ),
    "status-asleep": _status(v.view(v.issue("waiting", waiting=Waiting(reason="asleep", line="/persevere"))), "14:05"),
    "status-expired": _status(
        v.view(
            v.issue(
                "waiting",
                version=2,
                slots=v.SLOTS,
                waiting=Waiting(reason="expired", line="/persevere plan", since=v.at("14:12")),
            ),
            spec=v.record(),
        ),
        "14:12",
    ),
}

# --- spec -----------------------------------------------------------------------------------------------------

CHANGED = v.spec(
    3,
    criteria=tuple(
        each.model_copy(update={"text": "an unknown locale ends with a warning and the default format"})
        if each.id == "AC-3"
        else each
        for each in v.criteria()
    ),
    limits=SpecLimits(nano=v.cents(800), seconds=3600),
)
THIRD = v.record(3, CHANGED, asked_by="hubot", because="warn instead, and a bit more money")
IMPOSSIBLE = v.record(2, cannot_run={"AC-2": "go: not found"})


def _third(**fields: object) -> View:
    state = v.issue("proposed", version=3, proposed_at=v.at("14:40"), slots=v.SLOTS, survey=v.survey(), **fields)
    return v.view(state, spec=THIRD)


def _decided(view: View) -> Sample:
    return "spec", lambda: render_decided(render_spec(v.waiting_spec(), 2), view, 2)


def _untested() -> View:
    state = v.waiting_spec().issue.model_copy(update={"survey": v.survey(tests=None, tests_run=None)})
    return v.view(state, spec=v.record())


SPEC: dict[str, Sample] = {
    "spec-first": _spec(v.waiting_spec()),
    "spec-difference": _spec(_third(), 3, previous=v.record()),
    "spec-difference-of-approved": _spec(
        v.view(_third(approval=v.approval()).issue, spec=THIRD, approved=v.record()), 3
    ),
    "spec-cannot-run": _spec(v.view(v.waiting_spec().issue, spec=IMPOSSIBLE)),
    "spec-no-tests": _spec(_untested()),
    "spec-approved": _decided(v.working()),
    "spec-superseded": _decided(_third()),
    "spec-expired": _decided(v.view(v.issue("waiting", version=2, waiting=Waiting(reason="expired")), spec=v.record())),
}

# --- comments -------------------------------------------------------------------------------------------------

ASKED, PROPOSED, BUILDING, HALTED = v.asked(), v.waiting_spec(), v.working(), v.halted("waiting", "unproved")
LINE = "/persevere resume"

COMMENTS: dict[str, tuple[Message, View]] = {
    "questions": (m.Questions(to="octocat", round=1), ASKED),
    "help": (m.Help(who=v.HUBOT, role=Role.WRITE), PROPOSED),
    "help-triage": (m.Help(who=v.HUBOT, role=Role.TRIAGE), v.proved()),
    "unknown-verb": (m.UnknownVerb(word="aprove", line="/persevere approve v2"), PROPOSED),
    "unknown-verb-far": (m.UnknownVerb(word="dance"), PROPOSED),
    "bad-arguments": (
        m.BadArguments(verb="extend", why="`lots` is no amount; `+$2` and `+20m` are", example="/persevere extend +$2"),
        BUILDING,
    ),
    "not-allowed-approve": (
        m.NotAllowed(verb="approve", who="hubot", role=Role.TRIAGE, needed=Role.WRITE, checked_at=v.at("14:20")),
        PROPOSED,
    ),
    "not-allowed": (
        m.NotAllowed(verb="extend", who="hubot", role=Role.WRITE, needed=Role.MAINTAIN, checked_at=v.at("14:20")),
        BUILDING,
    ),
    "start-first": (m.StartFirst(verb="status"), v.view(v.issue("idle"))),
    "not-now": (m.NotNow(verb="say", phase="waiting", why="no_agent", line=LINE), HALTED),
    "not-now-phase": (m.NotNow(verb="plan", phase="building", why="phase"), BUILDING),
    "role-unknown": (
        m.RoleUnknown(verb="approve", why="GitHub answered 502", since=v.at("14:20"), until=v.at("14:26")),
        PROPOSED,
    ),
    "role-unknown-trying": (
        m.RoleUnknown(verb="approve", why="", since=v.at("14:20"), until=v.at("14:26"), still_trying=True),
        PROPOSED,
    ),
    "not-newest": (m.NotNewest(asked=2, newest=3, posted_at=v.at("14:18")), _third()),
    "no-such-version": (m.NoSuchVersion(asked=5, newest=2), PROPOSED),
    "wrong-fingerprint": (m.WrongFingerprint(given="77b0e1d4", version=2, real="3f9a1c2e"), PROPOSED),
    "fingerprint-wanted": (m.FingerprintWanted(version=2, real="3f9a1c2e"), PROPOSED),
    "altered-spec": (
        m.AlteredSpec(
            version=2,
            who="hubot",
            removed=("| **AC-3** new | an unknown locale ends with exit code 2 |",),
            added=("| **AC-3** new | an unknown locale ends with exit code 3 |",),
        ),
        PROPOSED,
    ),
    "altered-spec-unseen": (m.AlteredSpec(version=2, who=""), PROPOSED),
    "too-old": (m.TooOld(version=2, days=9), PROPOSED),
    "above-ceiling": (
        m.AboveCeiling(asked="$20.00", ceiling="$10.00", line="/persevere revise budget $10.00"),
        PROPOSED,
    ),
    "two-person": (m.TwoPerson(who="octocat"), PROPOSED),
    "already-running": (m.AlreadyRunning(version=2, by="octocat", at=v.at("14:21"), phase="building"), BUILDING),
    "cannot-run-here": (m.CannotRunHere(version=2, checks={"AC-2": "go: not found"}), PROPOSED),
    "too-small": (
        m.TooSmall(limit="$0.20", step="$0.09", from_="$0.60", model="claude-sonnet-5-5 (Anthropic)"),
        PROPOSED,
    ),
    "price-unknown": (m.PriceUnknown(model="acme-large-9", known=("claude-sonnet-5-5", "gpt-6.1-sol")), PROPOSED),
    "spec-shown": (m.SpecShown(version=2), PROPOSED),
    "contract-change": (
        m.ContractChange(touches="AC-3", line="/persevere revise AC-3: warn on stderr instead of exit 2"),
        BUILDING,
    ),
    "model-unknown": (
        m.ModelUnknown(
            word="gpt-6.1-sol",
            line="/persevere model openai:gpt-6.1-sol",
            known=("anthropic:claude-sonnet-5-5", "openai:gpt-6-luna", "openai:gpt-6.1-sol"),
        ),
        BUILDING,
    ),
    "model-unnamed": (m.ModelUnknown(word="", known=("anthropic:claude-sonnet-5-5",)), BUILDING),
    "above-ceiling-day": (
        m.AboveCeiling(asked="$25.00", ceiling="$20.00", line="/persevere revise budget $20.00", per="a day"),
        PROPOSED,
    ),
    "not-included": (m.NotIncluded(link=f"{v.URL}/issues/7#issuecomment-3", why="not_here"), ASKED),
    "settings-broken": (m.SettingsBroken(what="no such setting `budgett`", line=7, nearest="budget"), v.view()),
    "offer-approve": (m.OfferApprove(version=2), PROPOSED),
    "fact-missing": (m.FactMissing(verb="plan", what="the default branch", why="GitHub answered 502"), v.view()),
    "empty-repository": (m.EmptyRepository(), v.view(v.issue("idle"))),
    "ended-unproved": (m.EndedUnproved(to="octocat", rounds=3), HALTED),
    "out-of-money": (
        m.OutOf(to="octocat", what="money", line="/persevere extend +$1"),
        v.halted("paused", "out_of_money", "/persevere extend +$1", ledger=v.ledger(593, 2460), steps=TRIES),
    ),
    "out-of-time": (m.OutOf(to="octocat", what="time", line="/persevere extend +20m"), v.working("paused", job=None)),
    "asking-used-up": (m.AskingUsedUp(to="octocat", spent="$0.50", limit="$0.50"), v.view(v.issue("waiting"))),
    "not-published": (
        m.NotPublished(
            to="octocat",
            problems=(
                {
                    "path": ".github/workflows/ci.yml",
                    "rule": "workflow",
                    "words": "workflow files are not mine to change",
                },
            ),
            patch='-  python-version: "3.10"\n+  python-version: "3.11"',
            line="/persevere revise leave .github/workflows/ci.yml as it is",
        ),
        BUILDING,
    ),
    "not-published-secret": (
        m.NotPublished(
            to="octocat",
            problems=({"path": "config/dev.env", "rule": "secret", "words": "line 3 looks like an AWS key"},),
            line="/persevere say remove the key from config/dev.env",
        ),
        BUILDING,
    ),
    "nothing-to-build": (
        m.NothingToBuild(to="octocat", criteria=("AC-1", "AC-3"), base=v.BASE, spent="$0.19"),
        v.view(v.issue("waiting", version=1)),
    ),
    "no-change": (
        m.NoChange(to="octocat", summary="Everything works now.", spent="$0.44"),
        v.working("waiting", job=None),
    ),
    "cannot-prepare": (
        m.CannotPrepare(
            to="octocat",
            stage="setup",
            command="go build ./...",
            reason="it ended with 127",
            tail="sh: 1: go: not found",
        ),
        v.view(v.issue("waiting", waiting=Waiting(reason="cannot_prepare", line="/persevere plan"))),
    ),
    "branch-refused": (
        m.BranchRefused(to="octocat", words="Commits must have verified signatures", line=LINE),
        v.working("waiting", job=None),
    ),
    "branch-moved": (
        m.BranchMoved(to="hubot", branch="persevere/42-k3m8x2a9qd", found="b7c8d9e" + "0" * 33),
        v.working("waiting", job=None, waiting=Waiting(reason="branch_moved", line="/persevere retry")),
    ),
    "pull-refused": (
        m.PullRefused(to="octocat", words="#57 of this branch was closed", line="/persevere retry"),
        v.working("waiting", job=None, head=v.HEAD),
    ),
    "model-declines": (
        m.ModelStopped(
            to="octocat",
            model="claude-sonnet-5-5",
            why="refused",
            detail="I can't help with this",
            spent="$0.31",
            line=LINE,
        ),
        v.working("waiting", job=None, head=v.HEAD),
    ),
    "model-key": (
        m.ModelStopped(
            to="octocat",
            model="claude-sonnet-5-5",
            why="key",
            detail="401",
            spent="$0.31",
            line=LINE,
            other="/persevere model openai:gpt-6.1-sol",
            again=True,
        ),
        v.working("waiting", job=None),
    ),
    "model-spend-cap": (
        m.ModelStopped(
            to="octocat", model="claude-sonnet-5-5", why="spend_cap", detail="429", spent="$0.31", line=LINE, again=True
        ),
        v.working("waiting", job=None),
    ),
    "spec-too-long": (
        m.SpecTooLong(
            to="octocat",
            version=1,
            words="the spec's text has 83,374 bytes, and GitHub takes 65,536 in a comment",
            line="/persevere revise <a smaller part>",
        ),
        v.working("waiting", job=None),
    ),
    "no-machine": (
        m.NoMachine(to="octocat", since=v.at("14:22"), why="the machine never reported", line=LINE),
        v.working("waiting", job=None),
    ),
    "permission-missing": (
        m.PermissionMissing(to="octocat", words="Resource not accessible by integration", line=LINE),
        v.working("waiting", job=None),
    ),
    "fault": (
        m.Fault(to="octocat", number="E-7Q2F-19", step=19, spent="$1.24", line=LINE),
        v.working("waiting", job=None, head=v.HEAD),
    ),
}

# --- pull requests, checks, commits -----------------------------------------------------------------------------

FLAGGED = ({"path": "pyproject.toml", "rule": "dependency", "words": "new dependency babel"},)

OTHERS: dict[str, Sample] = {
    "pull-person-must-judge": _pull(v.proved(events=v.EVENTS)),
    "pull-all-held": _pull(v.proved(v.all_held())),
    "pull-not-proved": _pull(v.halted("waiting", "unproved", "/persevere revise AC-2: line ends may differ")),
    "pull-unproven": _pull(v.proved(v.one_unproven())),
    "pull-two-providers": _pull(
        v.proved(
            v.all_held(),
            ledger=READ,
            steps=(
                v.proving_call(3, "AC-1", True, model="anthropic:claude-sonnet-5-5"),
                v.proving_call(5, "AC-2", True, model="openai:gpt-6.1-sol"),
            ),
        )
    ),
    "pull-flagged": _pull(v.proved(flagged=FLAGGED)),
    "check-building": _check(v.working(steps=TRIES, events=v.EVENTS), "timeline", "14:30"),
    "check-proving": _check(v.working("verifying", job=v.job("verify", head=v.HEAD), head=v.HEAD), "timeline"),
    "check-proving-criterion": _check(v.working("verifying", job=v.job("verify", head=v.HEAD), head=v.HEAD), "AC-2"),
    "check-all-held": _check(v.proved(v.all_held(), events=v.EVENTS), "timeline"),
    "check-person-must-judge": _check(v.proved(), "timeline"),
    "check-unproven": _check(v.proved(v.one_unproven()), "timeline"),
    "check-failed": _check(v.halted("waiting", "unproved"), "timeline"),
    "check-paused": _check(v.halted("paused", "out_of_money"), "timeline"),
    "check-stopped": _check(_stopped("stopped"), "timeline"),
    "check-not-proved": _check(v.working("waiting", head=v.HEAD, job=None), "AC-1"),
    "criterion-proved": _check(v.proved(), "AC-1"),
    "criterion-kept": _check(v.proved(), "AC-4"),
    "criterion-own-test": _check(v.proved(), "AC-3"),
    "criterion-your-call": _check(v.proved(), "AC-5"),
    "criterion-accepted": _check(v.proved(v.all_held()), "AC-5"),
    "criterion-failed": _check(
        v.working(
            round=2,
            head=v.HEAD,
            verified_head=v.HEAD,
            verdicts=v.one_failed(),
            observations=(
                v.observation("AC-2", "base", "pass"),
                v.observation("AC-2", "head", "fail", "fail", failed=("tests.test_export::test_golden",)),
            ),
        ),
        "AC-2",
    ),
    "criterion-unproven": _check(v.proved(v.one_unproven()), "AC-3"),
    "criterion-flaky": _check(
        v.proved(
            v.one_flaky(),
            observations=(
                v.observation("AC-1", "base", "fail"),
                v.observation("AC-1", "head", "pass", "fail", "pass", "pass", "fail"),
            ),
        ),
        "AC-1",
    ),
    "criterion-already-true": _check(
        v.proved((v.verdict("AC-1", "already_true", base=v.side(), head=v.side()), *v.held()[1:])), "AC-1"
    ),
    "commit": (
        "commit",
        lambda: render_commit(v.working(), "Adds --locale; see the csv module.", "0123456789abcdef0123"),
    ),
}

SAMPLES: dict[str, Sample] = {
    **STATUS,
    **SPEC,
    **{f"comment-{name}": _comment(message, view) for name, (message, view) in COMMENTS.items()},
    **OTHERS,
    "comment-spec-shown": ("spec", _comment(*COMMENTS["spec-shown"])[1]),  # as long as a spec
}
