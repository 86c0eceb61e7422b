"""Files and directories that the agent shuts with their modes, for a runner whose user is held by modes as the agent is."""

import os
import shutil
from collections.abc import Callable

import pytest

from tests.runner.conftest import Repo, Runner, claim_for
from tests.runner.fake_control import FakeControl, call

Start = Callable[..., Runner]
DONE = [[call("9.0", "finish", summary="done")]]
SETPRIV = shutil.which("setpriv") or ""
AS_ANYBODY = (SETPRIV, "--bounding-set=-dac_override,-dac_read_search", "--") if os.geteuid() == 0 else ()

pytestmark = pytest.mark.skipif(os.geteuid() == 0 and not SETPRIV, reason="root's rights cannot be taken away here")


@pytest.fixture
def repo(repo: Repo) -> Repo:
    repo.commit({"a.txt": "one\n", "shut/kept.txt": "k\n", "listed/kept.txt": "k\n", "d/gone.txt": "x\n"})
    return repo


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("chmod 000 shut", {}),
        ("chmod 444 listed; chmod 111 shut", {}),
        ("echo two > a.txt; chmod 000 a.txt", {"a.txt": b"two\n"}),
        ("echo n > new; chmod 000 new", {"new": b"n\n"}),
        ("mkdir -p n/m; echo n > n/m/f; chmod 000 n/m n", {"n/m/f": b"n\n"}),
        ("mkdir n; echo n > n/f; chmod 444 n", {"n/f": b"n\n"}),
        ("echo two > shut/kept.txt; chmod 000 shut/kept.txt shut", {"shut/kept.txt": b"two\n"}),
        (
            "mkdir -p n/.git/refs n/.git/objects; echo ref: refs/heads/x > n/.git/HEAD; echo n > n/f; chmod 000 n",
            {"n/f": b"n\n"},
        ),
        ("rm shut/kept.txt; chmod 000 shut", {"shut/kept.txt": None}),
    ],
)
def test_what_is_shut_is_neither_lost_nor_taken_for_deleted(
    repo: Repo, start: Start, line: str, changes: dict[str, bytes | None]
) -> None:
    runner = start(claim_for(repo), [[call("0.0", "bash", command=line)], *DONE], within=AS_ANYBODY)
    assert runner.run() == 0, runner.stderr
    control = runner.control
    assert control.end.outcome == "handed_over", control.end
    found = {name: change.data if change.mode else None for name, change in control.changes().items()}
    assert found == changes
    assert control.steps[1].unkept == ""
    assert control.steps[1].checkpoint is not None
    assert control.steps[1].checkpoint.tree == control.end.tree


def test_a_command_that_shut_what_it_changed_and_was_cut_short_is_undone(repo: Repo, start: Start) -> None:
    def stop(control: FakeControl) -> list[str]:
        return ["stop"] if control.beats[-1]["doing"].startswith("bash (0.1)") else []

    line = "rm d/gone.txt; echo x > d/x; echo y > shut/kept.txt; chmod 555 d; chmod 000 shut; sleep 4718"
    runner = start(
        claim_for(repo),
        [[call("0.0", "bash", command="echo two > a.txt"), call("0.1", "bash", command=line)]],
        orders_when=stop,
        within=AS_ANYBODY,
        environment={"PERSEVERE_HEARTBEAT_S": "0.5"},
    )
    assert runner.run() == 0, runner.stderr
    end = runner.control.end
    assert {name: change.data for name, change in runner.control.changes().items()} == {"a.txt": b"two\n"}
    assert end.underway is not None
    assert [(each.call, each.data) for each in end.underway.done.results] == [("0.0", {}), ("0.1", {"how": "cut"})]
