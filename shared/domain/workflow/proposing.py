"""From an issue to a spec that waits: survey, interview, planner, tryout."""

from __future__ import annotations

import hashlib
from typing import Any

from shared.domain.effects import once_id
from shared.domain.evidence import today
from shared.domain.facts import DefaultHead, HeadFact, IssueFact, IssueNow, RoleFact, RoleOf, SettingsAt, SettingsFact
from shared.domain.inbound import PlannerAnswer
from shared.domain.issue import Interview, Option, Question, TakenText
from shared.domain.ledger import Ledger, raise_limit
from shared.domain.messages import NothingToBuild, Questions
from shared.domain.money import dollars
from shared.domain.protocol import Observation
from shared.domain.repository_settings import RepositorySettings
from shared.domain.spec import Criterion, Source, Spec, SpecLimits, SpecRecord, canonical_text, sha256_of
from shared.domain.visible_text import visible
from shared.domain.workflow.ceilings import look_again, no_room_words, set_asking_aside
from shared.domain.workflow.halts import halt
from shared.domain.workflow.jobs import start_survey
from shared.domain.workflow.turn import Turn

PLANNER_MS = 10 * 60_000  # a planner that says nothing for so long is lost


def settings_of(turn: Turn) -> RepositorySettings:
    """The repository's settings: those just read, else those of the newest start or approval."""
    for need, fact in turn.facts.items():
        if isinstance(need, SettingsAt) and isinstance(fact, SettingsFact):
            return fact.settings
    return turn.issue.settings


# A new start is a new piece of work: it continues no earlier branch, build or proof.
_NOTHING_BUILT: dict[str, Any] = {
    "build": None,
    "branch": None,
    "head": None,
    "work_tree": None,
    "marker_head": None,
    "verdicts": (),
    "verified_head": None,
    "verified_job": None,
    "accepted": {},
    "checks": {},
    "flagged": (),
    "pull": None,
    "resumable": None,
    "revision": "",
    "revision_by": "",
    "after_commit": "",
    "stop_reason": "",
    "round": 1,
}


def begin(turn: Turn, mode: str) -> None:
    """A writer's first command (or the first after an end): take in the issue's text, then look at the repository.

    The facts `IssueNow` and `DefaultHead` must be there and positive.
    """
    issue, head = turn.fact(IssueNow()), turn.fact(DefaultHead())
    assert isinstance(issue, IssueFact) and isinstance(head, HeadFact) and head.sha
    role = turn.fact(RoleOf(issue.author.id, issue.author.login))
    title, body = visible(issue.title), visible(issue.body)
    text = f"{title.text}\n\n{body.text}"
    taken = TakenText(
        title=title.text,
        body=body.text,
        author=issue.author,
        author_role=role.role.word if isinstance(role, RoleFact) else "unknown",
        at=turn.now,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        hidden=title.hidden + body.hidden,
    )
    turn.move(
        "interviewing",
        requester=turn.sender,
        mode=mode,
        taken=taken,
        title=title.text,
        author=issue.author,
        interview=Interview(),
        survey=None,
        surveyed_sha=head.sha,
        settings=settings_of(turn),
        approval=None,
        closed=issue.state == "closed",
        locked=issue.locked,
        tainted=False,
        **_NOTHING_BUILT,
    )
    if turn.ask is None:
        operator = turn.view.operator
        turn.ask = Ledger(limit_nano=operator.asking_nano, limit_seconds=operator.survey_seconds, kept_percent=0)
    start_survey(turn, "brief", head.sha)
    turn.show()


def ask_planner(turn: Turn) -> None:
    """Have the planner read, and answer with questions or a spec. An answer to an earlier ask counts no more.

    Where no money is free under the operator's ceilings, it waits for that and begins by itself.
    """
    slot = f"plan-{turn.issue.version}-{turn.issue.interview.round}"
    if turn.ask is not None and turn.ask.limit_nano < turn.view.operator.asking_nano:
        turn.ask = raise_limit(turn.ask, turn.view.operator.asking_nano - turn.ask.limit_nano, 0)
    full = set_asking_aside(turn)
    if full is not None:
        for name in ("quiet", "sleep"):
            turn.deadline(name, None)
        turn.change(queued=no_room_words(full), planning="")
        turn.deadline("queue", look_again(full, turn.now))
        return
    turn.deadline("queue", None)
    interview = turn.issue.interview.model_copy(update={"heard_at": None})
    turn.change(interview=interview, queued="", planning=once_id(turn.cause, "start_planner", slot))
    turn.wish("start_planner", slot, mode=turn.issue.mode)
    for name in ("quiet", "sleep"):
        turn.deadline(name, None)
    turn.deadline("planner", turn.now + PLANNER_MS)


def plan_on(turn: Turn) -> None:
    """Go on towards a spec: look at the repository where nobody has yet, else have the planner read."""
    if turn.issue.survey is None:
        start_survey(turn, "brief", turn.issue.surveyed_sha)
    else:
        ask_planner(turn)


def post_questions(turn: Turn, answer: PlannerAnswer) -> None:
    """A round of questions, as one comment that mentions who asked for the work."""
    issue, operator = turn.issue, turn.view.operator
    questions = tuple(
        _question(number, each) for number, each in enumerate(answer.questions[: operator.questions_a_round], start=1)
    )
    round_number = issue.interview.round + 1
    turn.change(
        interview=Interview(round=round_number, questions=questions, known=answer.known, asked_at=turn.now),
    )
    requester = issue.requester.login if issue.requester else issue.repository.owner
    turn.say(f"questions-{round_number}", Questions(to=requester, round=round_number))
    turn.deadline("sleep", turn.now + operator.sleep_after_s * 1000)


def _question(number: int, raw: dict[str, Any]) -> Question:
    options = tuple(
        Option(letter=chr(ord("a") + index), text=str(each.get("text", "")), why=str(each.get("why", "")))
        for index, each in enumerate(raw.get("options", ()))
        if isinstance(each, dict)
    )
    return Question(number=number, text=str(raw.get("text", "")), options=options)


def store_spec(turn: Turn, answer: PlannerAnswer) -> None:
    """A new version, then each of its checks is tried once at base before anybody is asked to approve.

    Raises ValueError (pydantic's among them) or TypeError for a document that is no spec; nothing is changed then.
    """
    document = answer.spec or {}
    version = turn.issue.version + 1
    limits = limits_of(turn, document.get("limits") or {})
    criteria = tuple(Criterion.model_validate(each) for each in document.get("criteria", ()))
    if not criteria or len({each.id for each in criteria}) != len(criteria):
        raise ValueError("a spec has at least one criterion, and each its own id")
    sources = tuple(Source.model_validate(each) for each in document.get("sources", ()))
    spec = Spec(
        version=version,
        title=str(document.get("title") or turn.issue.title),
        goals=tuple(document.get("goals", ())),
        criteria=criteria,
        out_of_scope=tuple(document.get("out_of_scope", ())),
        assumptions=tuple(document.get("assumptions", ())),
        stack=tuple(document.get("stack", ())),
        limits=limits,
        touches=tuple(document.get("touches", ())),
        sources=sources,
        base=turn.issue.surveyed_sha,
    )
    put_version(turn, spec)


def put_version(turn: Turn, spec: Spec) -> None:
    """Store one immutable version and try its checks."""
    issue = turn.issue
    record = SpecRecord(
        spec=spec,
        sha256=sha256_of(spec),
        text=canonical_text(spec),
        made_at=turn.now,
        asked_by=issue.revision_by,
        because=issue.revision,
    )
    turn.put_spec(record)
    turn.change(version=spec.version, revision="", revision_by="", proposed_posted=False, proposed_at=None)
    if any(criterion.check and criterion.check.origin != "agent" for criterion in spec.criteria):
        start_survey(turn, "tryout", spec.base)
    else:
        propose(turn, record, ())


def limits_of(turn: Turn, named: dict[str, Any]) -> SpecLimits:
    """The job's money and time: what people named, else the repository's settings, else the operator's default.

    What people name may be above the ceiling: approval refuses it then, in words, rather than clamping it silently.
    """
    operator, settings = turn.view.operator, settings_of(turn)
    nano = int(named.get("nano") or 0) or settings.nano or operator.job_nano
    seconds = int(named.get("seconds") or 0) or settings.seconds or operator.job_seconds
    return SpecLimits(nano=nano, seconds=seconds)


def propose(turn: Turn, record: SpecRecord, observations: tuple[Observation, ...]) -> None:
    """The version is complete: post it, and wait for a decision. Where nothing is left to build, say that instead."""
    seen = {each.criterion: each for each in observations}
    words: dict[str, str] = {}
    cannot: dict[str, str] = {}
    for criterion in record.spec.criteria:
        words[criterion.id], reason = today(criterion, seen.get(criterion.id))
        if reason:
            cannot[criterion.id] = reason
    turn.put_spec(record.model_copy(update={"today": words, "cannot_run": cannot}))
    new = [criterion for criterion in record.spec.criteria if criterion.kind == "new"]
    if new and all(words[criterion.id].endswith("already") for criterion in new):
        spent = dollars(turn.ask.spent_nano) if turn.ask else "$0.00"
        ids = tuple(criterion.id for criterion in new)
        message = NothingToBuild(to=turn.decider, criteria=ids, base=record.spec.base, spent=spent)
        halt(turn, "waiting", "nothing_to_build", line=f"{turn.command} revise <what>", message=message)
        return
    turn.move("proposed", proposed_at=turn.now)
    older = record.spec.version - 1
    if older >= 1 and f"spec-v{older}" in turn.issue.slots:
        turn.wish("spec_comment", f"spec-v{older}", version=older)
    turn.wish("spec_comment", f"spec-v{record.spec.version}", version=record.spec.version)
    turn.deadline("sleep", None)
    turn.deadline("approval", turn.now + turn.view.operator.approval_open_s * 1000)
    turn.show()
