"""`persevere demo`: the sample's issue becomes a proved pull request, by the real handlers and a scripted model."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from local.demo.wheels import pack
from local.trial.exits import PATIENCE_S
from local.trial.fence import find_fence
from local.trial.place import LOCK, alone, check_ours
from local.trial.play import Play, perform, short, typed
from local.trial.stage import Scenery, Stage
from local.trial.terminal import Terminal
from local.trial.through import check_through, through_words
from local.trial.watch import REFUSED, Watch, answer_to, by_app
from shared.settings import read

HERE = Path(__file__).parent
REPOSITORY = "octo-org/octo-repo"
PEOPLE = {"octocat": "maintain", "hubot": "read"}
TITLE = "CSV export is useless in Germany"
BODY = """\
When I open the export in a German spreadsheet, everything lands in one column, because `,` separates the fields.
Amounts are read as text, too: 1234.50 should be 1234,50 there.

Please add something like `octo export --locale de`. It should not crash on typos.
"""
ANSWERS = "1c 2a 3a"


def demo(
    environment: Mapping[str, str],
    directory: Path,
    *,
    json_line: bool,
    keep: bool,
    through: str = "",
    patience_s: float = PATIENCE_S,
    strike: str = "",
) -> int:
    """Exit code 0 only where everything is proved. `directory` gets `home` (left with `keep`, or when red) and `pages`.
    `strike` says when machines are killed (`local/strikes.py`).

    `through` names the provider in whose format the conversation is served ("": none).

    Raises NoFence where a sandbox was named that is not here, NotConfigured for a wrong setting or a place that is taken.
    """
    check_ours(directory)
    with alone(directory / LOCK):
        return _demo(
            environment,
            directory,
            json_line=json_line,
            keep=keep,
            through=check_through(through),
            patience_s=patience_s,
            strike=strike,
        )


def _demo(
    environment: Mapping[str, str],
    directory: Path,
    *,
    json_line: bool,
    keep: bool,
    through: str,
    patience_s: float,
    strike: str,
) -> int:
    settings = read(environment)
    terminal = Terminal(sys.stderr if json_line else sys.stdout)
    terminal.line("Persevere demo: an issue becomes a proved pull request.")
    terminal.line("No account, no key, nothing leaves this machine. About a minute.")
    terminal.line("For the demo: PERSEVERE_QUIET_S=1, writing pace 0; all else as by default.")
    terminal.line()
    fence = find_fence(settings.sandbox, None, may_fall=True)
    terminal.fact("sandbox", fence.label, "warn" if fence.name == "none" else "ok")
    home = directory / "home"
    shutil.rmtree(home, ignore_errors=True)
    made = directory / "made"
    shutil.rmtree(made, ignore_errors=True)
    tree = made / "octo-repo"
    shutil.copytree(HERE / "sample", tree, ignore=shutil.ignore_patterns("__pycache__", ".venv", ".pytest_cache"))
    offline = _offline(made / "wheels")
    terminal.fact(
        "set-up", "pytest, from what is installed here" if offline else "pytest, from your package index", "ok"
    )
    terminal.fact("model", f"scripted conversation{through_words(through)}", "ok")
    terminal.fact("limits", "$6.00 and 60 min for this issue (the sample's persevere.yml)", "ok")
    scenery = Scenery(
        what="`persevere demo`",
        full_name=REPOSITORY,
        tree=tree,
        people=PEOPLE,
        script=HERE / "conversation.jsonl",
        sandbox=fence.name,
        environment=offline,
        strike=strike,
        through=through,
    )
    play = Play(
        scenery=scenery,
        person="octocat",
        title=TITLE,
        body=BODY,
        act=lambda stage, watch, told: _act(stage, watch, told, settings.command),
        sandbox=fence.label,
        patience_s=patience_s,
    )
    code = perform(play, home, terminal, json_line=json_line, pages=directory / "pages")
    shutil.rmtree(made, ignore_errors=True)
    if keep or code:
        terminal.line(f"  Kept      {short(home)} (database, logs, repository)")
        terminal.line(f"            PERSEVERE_HOME={shlex.quote(short(home))} {typed()} status")
    else:
        shutil.rmtree(home, ignore_errors=True)
    return code


def _offline(wheels: Path) -> dict[str, str]:
    """Where set-up finds pytest: wheels made from our own installation, and no index at all.

    As an address, since pip takes a blank for the end of a path.
    """
    if not pack(wheels):
        return {}
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels.absolute().as_uri()}


def _act(stage: Stage, watch: Watch, terminal: Terminal, command: str) -> None:
    """What octocat and hubot do. They see GitHub, and nothing else."""
    repo, number = REPOSITORY, watch.number
    octocat, hubot = stage.people["octocat"], stage.people["hubot"]

    def comment_with(words: str) -> dict[str, object] | None:
        return by_app(octocat.comments(repo, number), words)

    terminal.told("octocat", command)
    octocat.comment(repo, number, command)
    if not watch.until(lambda: comment_with("before I can write the spec")):
        return
    tried = hubot.comment(repo, number, f"{command} approve v1")
    said = watch.until(lambda: answer_to(hubot, repo, tried["id"]))
    terminal.told("hubot", f"(read access) {command} approve v1 -> {'not allowed' if said == REFUSED else said}")
    terminal.told("octocat", ANSWERS)
    octocat.comment(repo, number, ANSWERS)
    spec = watch.until(lambda: comment_with("Approve v1 and start"))
    if not spec:
        return
    octocat.tick(repo, int(str(spec["id"])), "Approve v1")
    terminal.told("octocat", 'ticks "Approve v1 and start"')
    watch.until(lambda: any(not each["draft"] for each in octocat.pulls(repo, state="open")) and watch.settled())
