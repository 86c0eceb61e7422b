"""The status before anything is built: reading, questions, the spec, approved and not yet begun."""

from __future__ import annotations

from shared.domain.money import dollars, minutes
from shared.domain.protocol import Run, Survey
from shared.domain.view import View
from shared.render.forms import clock, count, day, login, moment, sentence, short, spent, took, until
from shared.render.links import questions_link, spec_link
from shared.render.markdown import cell, cell_code, command_fence, fold, paragraphs, prose, quoted, table
from shared.render.model_words import model_shown


def asker(view: View) -> str:
    """Who has the word while nothing is approved."""
    return login(view.issue.requester) or login(view.issue.author)


def asking_cost(view: View) -> str:
    """`Asking has cost $0.08 of $0.50`."""
    if view.ask is not None:
        return f"Asking has cost {spent(view.ask)}"
    return f"Asking may cost up to {dollars(view.operator.asking_nano)}"


def idle(view: View) -> str:
    waiting = view.issue.waiting
    if waiting is not None and waiting.reason == "asleep":
        return asleep(view)
    return paragraphs(
        "**Nothing is under way** · nobody's turn",
        f"Nothing runs and nothing is spent. `{view.operator.command}` starts here.",
    ).rstrip()


def asleep(view: View) -> str:
    days = count(view.operator.sleep_after_s // 86_400, "day")
    return paragraphs(
        f"**Asleep** · nobody answered for {days}",
        f"Nothing runs, nothing is spent, nothing is lost. `{view.operator.command}` wakes it up and looks at the "
        "issue as it is then.",
    ).rstrip()


def meeting(view: View) -> str:
    return paragraphs(
        f"**In a call** · {asker(view) or 'a person'}'s turn",
        f"Nothing said in the call approves anything or sets a budget. `{view.operator.command} stop` ends it.",
    ).rstrip()


def interviewing(view: View, now: int) -> str:
    issue, interview = view.issue, view.issue.interview
    job = view.job
    planning = "planner" in issue.deadlines
    if issue.queued and job is None and "queue" in issue.deadlines:
        return _queued(view)
    if job is not None and job.purpose == "tryout":
        return _trying(view)
    if interview.heard_at is not None and not planning:
        return _hearing(view)
    if interview.asked_at is not None and interview.questions and not planning and issue.job is None:
        return _asking(view)
    if issue.revision or issue.version or interview.round:
        return _writing(view)
    return _reading(view, now)


def queue_words(reason: str) -> str:
    """Why something waits under a ceiling, as a sentence, and that nobody has to do anything."""
    return f"{sentence(prose(reason, 200))} It goes on by itself when there is room."


def _queued(view: View) -> str:
    return paragraphs(
        "**Queued** · nobody's turn",
        f"{queue_words(view.issue.queued)} `{view.operator.command} stop` ends it.",
        asking_cost(view),
    ).rstrip()


def _reading(view: View, now: int) -> str:
    issue = view.issue
    taken = issue.taken
    what = f"the issue text by {login(taken.author)} (as of {moment(taken.at, now)})" if taken else "the issue"
    at = f" and the repository at {short(issue.surveyed_sha)}" if issue.surveyed_sha else ""
    follows = {"plan": "The spec follows", "interview": "Questions follow", "sensible": "Questions or the spec follow"}
    hidden = ""
    if taken and taken.hidden:
        hidden = f"{count(taken.hidden, 'character')} of it cannot be seen on the page and were left out."
    return paragraphs(
        "**Reading the issue** · my turn",
        f"I read {what}{at}. {follows[issue.mode]} as a new comment, usually within 3 minutes.",
        hidden,
        f"{asking_cost(view)}. Nothing is built before someone with write access approves.",
        found(view, issue.survey) if issue.survey else "",
    ).rstrip()


def _asking(view: View) -> str:
    issue, interview, operator = view.issue, view.issue.interview, view.operator
    sleeps = issue.deadlines.get("sleep", (interview.asked_at or 0) + operator.sleep_after_s * 1000)
    open_ones = questions_link(view, count(len(interview.questions), "question"))
    return paragraphs(
        f"**Waiting for answers** · {asker(view)}, or anyone with write access",
        f"{open_ones} {'is' if len(interview.questions) == 1 else 'are'} open (round {interview.round} of at most "
        f"{operator.interview_rounds}). Answer in your own words, or `ok` for the proposals.",
        f"{asking_cost(view)} · goes to sleep on {day(sleeps)}",
    ).rstrip()


def _hearing(view: View) -> str:
    interview = view.issue.interview
    heard = f"{count(interview.answers, 'answer')} came" if interview.answers else "Answers came"
    at = f", the last at {clock(interview.heard_at)}" if interview.heard_at else ""
    quiet = count(round(view.operator.quiet_s), "second") if view.operator.quiet_s < 60 else None
    quiet = quiet or count(round(view.operator.quiet_s / 60), "minute")
    return paragraphs(
        "**Listening to the answers** · my turn",
        f"{heard}{at}. They are read as one when it has been quiet for {quiet}.",
        asking_cost(view),
    ).rstrip()


def _writing(view: View) -> str:
    issue = view.issue
    version = issue.version + 1
    asked = f"{login(issue.revision_by) or 'Somebody'} asked for: {quoted(issue.revision)}." if issue.revision else ""
    answers = "The answers are read; the spec or one more round of questions follows." if not asked else ""
    return paragraphs(
        f"**Writing spec v{version}** · my turn",
        f"{asked or answers} It comes as a new comment, usually within 3 minutes.",
        _kept_build(view),
        asking_cost(view),
    ).rstrip()


def _trying(view: View) -> str:
    version = view.issue.version
    limit = minutes(view.operator.tryout_seconds)
    base = view.spec.spec.base if view.spec else view.issue.surveyed_sha
    return paragraphs(
        f"**Trying the checks of spec v{version}** · my turn",
        f"Each check runs once on {short(base)}, before anybody is asked to approve. At most {limit} minutes; it costs "
        "no model money.",
        _kept_build(view),
        asking_cost(view),
    ).rstrip()


def _kept_build(view: View) -> str:
    """During a revision of an approved spec: the build is not lost."""
    approval = view.issue.approval
    if approval is None:
        return ""
    return (
        f"The build of v{approval.version} has stopped, its work is kept. To go on with v{approval.version} instead: "
        f"`{view.operator.command} resume`"
    )


def proposed(view: View, now: int) -> str:
    issue, operator = view.issue, view.operator
    version = issue.version
    closes = (issue.proposed_at or now) + operator.approval_open_s * 1000
    if view.spec is not None and view.spec.cannot_run:
        blocked = ", ".join(view.spec.cannot_run)
        return paragraphs(
            f"**Spec v{version} cannot be approved yet** · {asker(view) or 'anyone with write access'}",
            f"A check cannot run here: {blocked}. {spec_link(view, version, 'The spec')} says why. Name another check:",
            command_fence(f"{operator.command} revise {next(iter(view.spec.cannot_run))}: <check>"),
            asking_cost(view),
        ).rstrip()
    how = "then tick the box in it, or comment:"
    line = f"{operator.command} approve v{version}"
    if issue.settings.approval == "exact" and view.spec is not None:
        how, line = "then comment, with its fingerprint:", f"{line} {view.spec.sha256[:8]}"
    return paragraphs(
        f"**Spec v{version} waits for approval** · anyone with {issue.settings.approvers} access",
        f"{spec_link(view, version, 'Read it')} (one minute), {how}",
        command_fence(line),
        _kept_build(view),
        f"{asking_cost(view)} · open until {until(closes)}",
    ).rstrip()


def approved(view: View, now: int) -> str:
    issue, job = view.issue, view.job
    approval = issue.approval
    if approval is None:
        return "**Approved, waiting for a machine** · my turn"
    queued = job is None or job.status == "queued"
    ahead = f" {queue_words(job.reason)}" if queued and job is not None and job.reason else ""
    way_out = "un-ticking the box" if approval.way == "box" else f"`{view.operator.command} stop`"
    state = "waiting for a machine" if queued else "starting a machine"
    return paragraphs(
        f"**Approved, {state}** · my turn",
        f"{login(approval.by)} approved {spec_link(view, approval.version)} at {moment(approval.at, now)}.{ahead} "
        f"Until the first step nothing is spent; {way_out} cancels.",
    ).rstrip()


# --- what a survey found --------------------------------------------------------------------------------------


def found(view: View, survey: Survey) -> str:
    """What the first look at the repository found, folded."""
    operator = view.operator
    rows = [
        ("Set-up", _command(survey.setup, survey.setup_source, survey.setup_run, "none found")),
        ("Tests", _command(survey.tests, survey.tests_source, survey.tests_run, "none found")),
        ("Instructions", ", ".join(cell_code(path, 40) for path in survey.instructions[:4]) or "none found"),
        ("CI", _ci(survey)),
        ("Sandbox", cell(survey.sandbox or operator.sandbox_shown or "unknown")),
        ("Network", cell(survey.network or "unknown")),
        ("Code is read by", cell(model_shown(view) or "no model")),
        ("Limits", _limits(view)),
    ]
    body = table(("", "Found"), rows) + "\n\nSomething wrong? Set it in `.github/persevere.yml`."
    return fold(f"What I found in {view.issue.repository.full_name}", body)


def _command(run: str | None, source: str, result: Run | None, none: str) -> str:
    if not run:
        return none
    words = cell_code(run, 48)
    if source:
        words += f" (from {cell_code(source, 40)})"
    if result is None:
        return words
    if result.outcome == "pass" and result.tests is not None:
        failed = len(result.tests.failed)
        passed = result.tests.count - failed - len(result.tests.skipped)
        return f"{words}: {passed} pass, {took(result.seconds)}"
    states = {"pass": "works", "fail": f"ends with {result.exit}", "could_not_run": f"could not run, {result.reason}"}
    return f"{words}: {cell(states[result.outcome], 50)}, {took(result.seconds)}"


def _ci(survey: Survey) -> str:
    flows = survey.workflows
    if not flows.on_pull_request:
        return "no workflow runs on pull requests"
    runs = "run" if flows.on_pull_request > 1 else "runs"
    uses = "use" if flows.with_secrets > 1 else "uses"
    secrets = f", {flows.with_secrets} of them {uses} secrets" if flows.with_secrets else ""
    return f"{count(flows.on_pull_request, 'workflow')} {runs} on pull requests{secrets}"


def _limits(view: View) -> str:
    operator = view.operator
    job = f"{dollars(operator.job_nano)} and {minutes(operator.job_seconds)} min a job"
    return job if operator.day_nano is None else f"{job}, {dollars(operator.day_nano)} a day"
