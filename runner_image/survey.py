"""A survey: no model, no change. `brief` sets the repository up, runs its tests and says what is here; `tryout` runs each
check once at base, so that a spec says what is so today."""

from __future__ import annotations

import os
import re

from runner_image.brief import instructions_of, read_texts, write_brief
from runner_image.build import closing
from runner_image.endings import GiveUp
from runner_image.findings import Files, Found, find_setup, find_tests
from runner_image.git import Git, GitFailed
from runner_image.job import Job
from runner_image.sandbox.contract import really
from runner_image.setup import read_files
from runner_image.side import Side
from runner_image.waiting import see_through
from runner_image.workspace import clone
from shared.domain.protocol import CheckToRun, Finish, Observation, Run, Survey, Workflows

TOOLS = "python git make gcc node npm go cargo java ruby uv docker".split()
TOOLS_S = 30
WORKFLOW = re.compile(r"\.github/workflows/[^/]+\.ya?ml")


def survey(job: Job, allow_file: bool) -> Finish:
    """Raises Ending."""
    job.progress.doing = "clone"
    base = job.claimed.clone.base
    git = clone(job.claimed.clone, job.directory / "trusted", os.environ, job.orders, allow_file)
    try:
        files = read_files(git, base)
        setup = find_setup(files, job.claimed.setup)
        side = Side(job, git, "base", base, job.sandbox, setup, job.directory / "base")
        found = describe(job, setup, side.setup_run)
        if job.claimed.purpose == "tryout":
            found = found.model_copy(update={"observations": try_out(job, side)})
        else:
            found = look_around(job, git, files, side, found)
    except GitFailed as error:
        raise GiveUp("no_workspace", f"The workspace could not be prepared: {error}") from error
    finish = closing(job, "surveyed", "", "", side.setup_run)
    return finish.model_copy(update={"survey": found})


def describe(job: Job, setup: Found, setup_run: Run | None) -> Survey:
    return Survey(
        sandbox=job.sandbox.label(job.claimed.network),
        network=really(job.sandbox.name, job.claimed.network),
        setup=setup.line,
        setup_source=setup.source,
        setup_run=setup_run,
    )


def try_out(job: Job, side: Side) -> tuple[Observation, ...]:
    """An agent's test does not exist yet, a person's judgement is no command: both are left out."""
    seen = []
    for criterion in job.claimed.criteria:
        if criterion.kind != "person" and criterion.check and criterion.check.origin != "agent":
            job.progress.doing = f"{criterion.id} at base"
            seen.append(side.observe(criterion.id, [without_passed(side.run_check(criterion.check).run)]))
    return tuple(seen)


def without_passed(run: Run) -> Run:
    """How many passed is told by the other numbers; which did matters in a proof alone, and all of a tryout is one request."""
    return run.model_copy(update={"tests": run.tests.model_copy(update={"passed": ()})}) if run.tests else run


def look_around(job: Job, git: Git, files: Files, side: Side, found: Survey) -> Survey:
    tests = find_tests(files, job.claimed.setup)
    tests_run = None
    if tests.line:
        job.progress.doing = "tests"
        tests_run = side.run_check(CheckToRun(origin="existing", kind="command", run=tests.line)).run
    found = found.model_copy(
        update={
            "tests": tests.line,
            "tests_source": tests.source,
            "tests_run": tests_run,
            "instructions": instructions_of(files),
            "workflows": read_workflows(git, job.claimed.clone.base, files),
            "tools": tools_present(side),
        }
    )
    job.progress.doing = "brief"
    text = write_brief(git, job.claimed.clone.base, files, job.claimed.words, facts_of(job, found))
    key = see_through(job.orders, "brief", lambda: job.api.store(text.encode(), "brief"))
    return found.model_copy(update={"brief": key})


def facts_of(job: Job, found: Survey) -> list[str]:
    """Sentences at the head of the brief. No times: the same repository gives the same words."""
    rows = [f"{job.claimed.repository} at {job.claimed.clone.base}"]
    rows.append(_fact("set-up", found.setup, found.setup_source, found.setup_run))
    rows.append(_fact("tests", found.tests, found.tests_source, found.tests_run))
    rows.append("tools: " + (", ".join(f"{name} {version}" for name, version in sorted(found.tools.items())) or "none"))
    return rows


def _fact(what: str, line: str | None, source: str, run: Run | None) -> str:
    if line is None:
        return f"{what}: none found"
    said = "" if run is None else f" -> {run.outcome}{f' ({run.reason})' if run.reason else ''}"
    if run and run.tests:
        said += f"; {run.tests.count} tests, {len(run.tests.failed)} fail, {len(run.tests.skipped)} skipped"
    return f"{what} (from {source}): {' && '.join(line.splitlines())}{said}"


def tools_present(side: Side) -> dict[str, str]:
    """Name -> version of what can be run inside the sandbox."""
    asks = "; ".join(
        f'command -v {name} >/dev/null && echo "{name}=$({name} {_version_word(name)} 2>&1 | head -n 1)"'
        for name in TOOLS
    )
    found = {}
    for row in side.run_line(asks, TOOLS_S).splitlines():
        name, _, said = row.partition("=")
        if name in TOOLS and (version := re.search(r"\d+(?:\.\d+)+", said)):
            found[name] = version[0]
    return found


def _version_word(name: str) -> str:
    return {"go": "version", "java": "-version"}.get(name, "--version")


def read_workflows(git: Git, commit: str, files: Files) -> Workflows:
    """By their text: a trigger `pull_request` under `on`, and `secrets.` other than the automatic token."""
    texts = read_texts(git, commit, [path for path in files.paths if WORKFLOW.fullmatch(path)])
    triggered = [text for text in texts.values() if _on_pull_request(text)]
    secret = [
        text for text in triggered if re.search(r"\bsecrets\s*(?:\.\s*(?!GITHUB_TOKEN\b)\w|\[|:\s*inherit)", text)
    ]
    return Workflows(on_pull_request=len(triggered), with_secrets=len(secret))


def _on_pull_request(text: str) -> bool:
    match = re.search(r"""^(?:on|"on"|'on'|true)\s*:(.*(?:\n(?:[ \t].*|-.*|[ \t]*|#.*)$)*)""", text, re.MULTILINE)
    return bool(match and re.search(r"(?<![\w-])pull_request(?:_target)?(?![\w-])", re.sub(r"#.*", "", match[1])))
