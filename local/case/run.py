"""`persevere case DIR`: a real issue of a real project goes through the whole product, with published answers as the model."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from local.case.case_file import Case, read_case, read_steps
from local.case.pip_places import ask_pip
from local.case.python_choice import choose
from local.case.script import conversation, is_published
from local.case.sdist import get, unpack
from local.case.settings import write_settings
from local.case.translate import translate, translate_answers
from local.keyring import private_directory
from local.trial.exits import PATIENCE_S
from local.trial.fence import find_fence
from local.trial.place import alone
from local.trial.play import Play, perform
from local.trial.stage import Scenery, Stage
from local.trial.terminal import Terminal
from local.trial.through import check_through, through_words
from local.trial.watch import REFUSED, Watch, answer_to, by_app
from shared.settings import read

PERSON = "octocat"


def case(
    environment: Mapping[str, str],
    directory: Path,
    answers: Path | None,
    *,
    json_line: bool,
    through: str = "",
    patience_s: float = PATIENCE_S,
) -> int:
    """Exit codes: 0 proved, 1 red, 2 a case that cannot be run, 3 it waits for a person, 4 no network.

    The directory is the only input beside `answers`, a conversation file that follows the published steps. Everything
    is kept under `<PERSEVERE_HOME>/case`, releases under `<PERSEVERE_HOME>/sdists`. Raises BadCase, NoIndex, NoFence,
    NotConfigured.
    """
    terminal = Terminal(sys.stderr if json_line else sys.stdout)
    work = read(environment).home / "case"
    with alone(private_directory(work.parent) / "case.lock"):
        play = prepare(environment, directory, answers, terminal, through=check_through(through), patience_s=patience_s)
        return perform(play, work / "home", terminal, json_line=json_line, pages=work / "pages")


def prepare(
    environment: Mapping[str, str],
    directory: Path,
    answers: Path | None,
    terminal: Terminal,
    *,
    through: str = "",
    patience_s: float,
) -> Play:
    """Everything that comes before the first process: interpreter, sandbox, source, conversation."""
    settings = read(environment)
    given = read_case(directory)
    terminal.line(f"Persevere case: {given.title}")
    terminal.line("For the case: PERSEVERE_QUIET_S=1, writing pace 0; all else as by default.")
    terminal.line()
    if given.unread:
        terminal.fact("case", f"not read: {', '.join(given.unread)}", "warn")
    python, words = choose(given.python, settings.python)
    terminal.fact("python", f"{python.version}{f' ({words})' if words else ''}", "ok")
    fence = find_fence(settings.sandbox, python.path, may_fall=False)
    terminal.fact("sandbox", fence.label, "warn" if fence.name == "none" else "ok")
    private_directory(settings.home)
    made = settings.home / "case" / "made"
    shutil.rmtree(made.parent, ignore_errors=True)
    tree = made / "tree"
    release = get(given.project, given.version, ask_pip(), settings.home / "sdists")
    unpack(release, tree)
    terminal.fact("source", f"{release.name}, one commit on main", "ok")
    script = _write_script(given, tree, answers, made / "conversation.jsonl")
    wanted = write_settings(given, tree)
    then = f", then {answers.name}" if answers else ""
    terminal.fact("model", f"{len(given.steps)} published steps{then}{through_words(through)}", "ok")
    if "budget" in wanted:
        terminal.fact("limit", f"{wanted['budget']} a job: so many steps read more than the default pays for", "ok")
    scenery = Scenery(
        what="`persevere case`",
        full_name=given.full_name,
        tree=tree,
        people={PERSON: "maintain"},
        script=script,
        sandbox=fence.name,
        python=python.path,
        through=through,
    )
    return Play(
        scenery=scenery,
        person=PERSON,
        title=given.title,
        body=given.body,
        act=lambda stage, watch, told: ask_approve_wait(stage, watch, told, settings.command),
        sandbox=fence.label,
        patience_s=patience_s,
        heartbeats=True,
    )


def _write_script(given: Case, tree: Path, answers: Path | None, path: Path) -> Path:
    files = [str(each.relative_to(tree)) for each in tree.rglob("*") if each.is_file()]

    def read_text(name: str) -> str | None:
        try:
            return (tree / name).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    steps, more = translate(given, files, read_text), []
    if answers is not None and is_published(answers):
        more, answers = translate_answers(given, files, read_text, read_steps(answers), answers.name), None
    path.write_text("\n".join(conversation(given, steps, answers, more)) + "\n", "utf-8")
    return path


def ask_approve_wait(stage: Stage, watch: Watch, terminal: Terminal, command: str) -> None:
    """What a maintainer does who knows what they want: asks for the spec, approves it, waits."""
    person, repo, number = stage.people[PERSON], stage.scenery.full_name, watch.number
    terminal.told(PERSON, f"{command} plan")
    person.comment(repo, number, f"{command} plan")
    if not watch.until(lambda: by_app(person.comments(repo, number), "spec v1 is ready")):
        return
    terminal.told(PERSON, f"{command} approve v1")
    said = person.comment(repo, number, f"{command} approve v1")
    if watch.until(lambda: answer_to(person, repo, said["id"])) == REFUSED:
        watch.until(watch.settled)
        answer = by_app(person.comments(repo, number), "")
        terminal.told("Persevere", answer["body"].split("\n")[0].replace("*", "") if answer else "says no")
        return
    watch.until(lambda: any(not each["draft"] for each in person.pulls(repo, state="open")) and watch.settled())
