"""A checkpoint: what it holds, what it does not, that nothing in the workspace is obeyed, and that it comes back whole."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_image.changeset import TooBig
from runner_image.checkpoint import make_bundle, open_bundle, stored_change
from runner_image.git import Git, GitFailed
from runner_image.trees import tree_of
from runner_image.underway import UnderWay
from shared.domain.protocol import CHECKPOINT_MAX_FILE_BYTES, CHECKPOINT_MAX_FILES, Call, CallResult, Resume
from tests.runner.conftest import GIT, Repo, Runner, claim_for
from tests.runner.fake_control import call
from tests.runner.test_changeset import Begin, Work, begin

__all__ = ["begin"]
Start = Callable[..., Runner]
DONE = [[call("9.0", "finish", summary="done")]]


def bash(command: str) -> list[dict[str, object]]:
    return [call("0.0", "bash", command=command)]


def bundle_of(work: Work, repo: Repo) -> bytes:
    return make_bundle(work.git, repo.commits[0], work.recorder.tree())


def test_it_comes_back_in_a_fresh_clone(repo: Repo, begin: Begin, tmp_path: Path) -> None:
    repo.commit({"a": "1", "d/b": "2", "l": "-> a", "c": "3"})
    work = begin()
    work.sh("rm c l; mkdir c; echo 4 > c/e; rm -r d; ln -s c d; printf x > l; chmod +x l; printf '\\0\\377' > bin")
    data = bundle_of(work, repo)
    fresh = Git(tmp_path / "fresh", GIT, allow_file=True)
    fresh.init()
    fresh.run("fetch", "--quiet", "--depth=1", "--no-write-fetch-head", repo.url, repo.commits[0])
    assert open_bundle(fresh, data) == work.recorder.tree()


def test_it_is_thin_and_equal_work_is_equal_bytes(repo: Repo, begin: Begin) -> None:
    repo.commit({f"d{n}/f{n}.txt": f"{n}\n" * 500 for n in range(300)})
    work = begin()
    work.sh("echo one more >> d7/f7.txt")
    first = bundle_of(work, repo)
    work.sh("touch d7/f7.txt; echo x > new; rm new")
    assert bundle_of(work, repo) == first
    assert len(first) < 8_000, "the trees on the way to one file, and that file as a difference"


def test_a_person_can_open_it_with_any_git(repo: Repo, begin: Begin, tmp_path: Path) -> None:
    repo.commit({"a": "1"})
    work = begin()
    work.sh("echo 2 > a")
    (tmp_path / "work.bundle").write_bytes(bundle_of(work, repo))
    repo.git("fetch", "-q", str(tmp_path / "work.bundle"), "refs/checkpoint")
    assert repo.git("show", "FETCH_HEAD:a") == "2"


def test_another_tree_than_the_record_says_is_refused(repo: Repo, begin: Begin) -> None:
    repo.commit({"a": "1"})
    work = begin()
    work.sh("echo 2 > a")
    data, base = bundle_of(work, repo), repo.commits[0]
    start = tree_of(work.git, base)
    assert stored_change(work.git, base, start, Resume(kind="bundle", tree=work.recorder.tree()), data)
    with pytest.raises(ValueError, match="and not"):
        stored_change(work.git, base, start, Resume(kind="bundle", tree="0" * 40), data)
    for damaged in (b"", data[:-30], b"# v2 git bundle\n\n", data.replace(b"refs/checkpoint", b"refs/heads/main")):
        with pytest.raises(GitFailed):
            stored_change(work.git, base, start, Resume(kind="bundle", tree=work.recorder.tree()), damaged)


def test_a_workspace_that_would_rule_git_rules_nothing(repo: Repo, begin: Begin, tmp_path: Path) -> None:
    """Attributes, filters, hooks, a monitor, replaced objects, an index and a config of its own: none is looked at."""
    obeyed = tmp_path / "obeyed"
    repo.commit({"a": "1\r\n", ".gitattributes": "* filter=evil text=auto eol=lf ident\n"})
    work = begin()
    touch = f"touch {obeyed}"
    work.sh(
        f"git config core.fsmonitor '{touch}'; git config filter.evil.clean '{touch}; cat'; git config filter.evil.process"
        f" '{touch}'; git config core.hooksPath hooks; git config core.sshCommand '{touch}'; git config uploadpack.packObjectsHook"
        f" '{touch}'; git config core.worktree /; git config core.attributesFile evil; git config core.pager '{touch}';"
        f"mkdir -p hooks .git/hooks .git/info; for h in hooks .git/hooks; do for n in pre-commit post-checkout post-index-change"
        f" reference-transaction post-update; do printf '#!/bin/sh\\n{touch}\\n' > $h/$n; chmod +x $h/$n; done; done;"
        "echo '* -text filter=evil' > .git/info/attributes; echo '*' > .git/info/exclude; echo '*' > .gitignore;"
        "echo /nonexistent > .git/objects/info/alternates 2>/dev/null; printf '$Id$\\r\\n' > b; printf '2\\r\\n' > a"
    )
    mark = work.recorder.mark()
    data = bundle_of(work, repo)
    assert open_bundle(work.git, data) == mark.tree
    assert work.git.run("cat-file", "blob", f"{mark.tree}:b") == b"$Id$\r\n"
    assert work.git.run("cat-file", "blob", f"{mark.tree}:a") == b"2\r\n"
    work.sh("rm a; echo half > b; echo more > c")
    work.recorder.put_back(mark)
    assert (work.tree / "a").read_bytes() == b"2\r\n"
    assert work.recorder.tree() == mark.tree
    assert not obeyed.exists()


def test_what_a_command_did_by_half_is_undone_in_place(repo: Repo, begin: Begin) -> None:
    repo.commit({"a": "1\n", "lock": "1\n", ".gitignore": "out/\n", "d/x": "x", "gone": "g"})
    work = begin("echo 2 >> lock; mkdir out; touch out/set-up; touch made")
    work.sh("echo mine > mine; echo 2 > a; rm gone")
    mark = work.recorder.mark()
    work.sh(
        "echo 9 > lock; rm mine a; mkdir a; echo b > a/b; rm -r d; ln -s /etc d; echo back > gone; touch half; echo 3 > out/o;"
        f"head -c {CHECKPOINT_MAX_FILE_BYTES + 1} /dev/zero > core; chmod +x made"
    )
    work.recorder.put_back(mark)
    now = {path.relative_to(work.tree).as_posix() for path in work.tree.rglob("*") if ".git/" not in path.as_posix()}
    assert now - {".git"} == {"a", "lock", ".gitignore", "d", "d/x", "made", "mine", "out", "out/set-up", "out/o"}
    assert (work.tree / "lock").read_text() == "1\n2\n", "as set-up left it"
    assert (work.tree / "mine").read_text() == "mine\n"
    assert work.recorder.mark() == mark


@pytest.mark.parametrize("tool", ["edit", "write"])
def test_an_order_before_a_write_undoes_nothing_of_the_calls_that_ended(repo: Repo, begin: Begin, tool: str) -> None:
    repo.commit({"a": "1\n"})
    work = begin()
    underway = UnderWay(work.recorder)
    first, second = Call(id="0.0", tool="bash", args={}), Call(id="0.1", tool=tool, args={})
    underway.begin(0, [first, second])
    underway.start(first)
    work.sh("echo 2 > a")
    underway.end(CallResult(call="0.0", status="ok"))
    underway.start(second)
    underway.undo()
    assert underway.is_known
    assert (work.tree / "a").read_text() == "2\n"
    assert [each.status for each in underway.all_results("cut")] == ["ok", "interrupted"]


@pytest.fixture
def with_submodule(repo: Repo) -> Repo:
    repo.commit({"a": "1", "d/x": "x"})
    for path in ("sub", "d/deep"):
        repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.head},{path}")
    repo.git("commit", "-q", "-m", "two submodules")
    repo.commits[:] = [repo.git("rev-parse", "HEAD")]
    return repo


@pytest.mark.parametrize(
    "line", ["rmdir sub; rm -r d", "rmdir sub d/deep; echo a file > sub; ln -s . d/deep", "rm -r d; echo > d", "true"]
)
def test_a_submodule_that_a_command_cut_short_has_removed_is_there_again(
    with_submodule: Repo, begin: Begin, line: str
) -> None:
    work = begin()
    work.sh("echo 2 > a")
    mark = work.recorder.mark()
    work.sh(line)
    work.recorder.put_back(mark)
    assert work.recorder.mark() == mark
    assert set(work.changes()) == {"a"}
    assert (work.tree / "sub").is_dir()
    assert (work.tree / "d/deep").is_dir()


def test_a_clone_in_a_submodules_directory_does_not_take_it_out_of_the_repository(
    with_submodule: Repo, begin: Begin
) -> None:
    work = begin()
    clone = "git init -q . && git -c user.name=o -c user.email=o@example.com commit -q --allow-empty -m x && touch y"
    work.sh(f"echo 2 > a; cd sub && {clone}; cd ../d/deep && {clone}")
    assert set(work.changes()) == {"a"}
    work.sh("rm -rf sub d/deep; mkdir d/deep; ln -s d sub")
    assert work.changes() == {"a": ("100644", b"2\n"), "sub": ("120000", b"d")}
    work.sh("rm sub; rmdir d/deep")
    assert work.changes() == {"a": ("100644", b"2\n"), "sub": (None, b""), "d/deep": (None, b"")}


def test_too_large_a_file_is_left_out_and_named_and_the_rest_is_kept(repo: Repo, begin: Begin) -> None:
    repo.commit({"a": "1", "big": "small"})
    work = begin()
    work.sh(f"echo 2 > a; for f in big new; do head -c {CHECKPOINT_MAX_FILE_BYTES + 1} /dev/zero > $f; done")
    tree = work.recorder.tree()
    assert work.git.run("cat-file", "blob", f"{tree}:big") == b"small"
    assert work.git.run("cat-file", "blob", f"{tree}:a") == b"2\n"
    assert work.recorder.unkept == "big (10,000,001 bytes), new (10,000,001 bytes): over 10,000,000 bytes a file"
    with pytest.raises(TooBig, match=r"(big|new) has 10,000,001 bytes; the limit is 1,000,000 a file"):
        work.recorder.take()
    work.sh("rm big new; printf small > big")
    assert work.recorder.tree() != tree_of(work.git, repo.head)
    assert work.recorder.unkept == ""


def test_too_many_files_at_once_are_no_checkpoint(repo: Repo, begin: Begin) -> None:
    repo.commit({"a": "1"})
    work = begin()
    work.sh(f"mkdir many; cd many; seq {CHECKPOINT_MAX_FILES + 1} | xargs touch")
    with pytest.raises(TooBig, match=r"5,001 files changed at once; the limit is 5,000"):
        work.recorder.mark()
    work.sh("rm -r many; echo 2 > a")
    assert work.recorder.mark().tree != tree_of(work.git, repo.head)


# --- by the runner -------------------------------------------------------------------------------------------


def test_every_step_is_kept_before_it_is_posted_and_nothing_new_is_stored_twice(repo: Repo, start: Start) -> None:
    repo.commit({"a": "1"})
    runner = start(claim_for(repo), [bash("true"), bash("echo 2 > a"), bash("cat a"), bash("echo 3 > a"), *DONE])
    assert runner.run() == 0, runner.stderr
    control = runner.control
    kept = [control.steps[number].checkpoint for number in range(5)]
    assert [each.bundle is None for each in kept if each] == [True, True, False, False, False]
    assert kept[2] == kept[3] != kept[4]
    stored = [kind for kind in control.kinds.values() if kind == "bundle"]
    assert len(stored) == 2
    puts = [index for index, (method, path) in enumerate(control.seen) if path.startswith("/put/")]
    assert puts[0] < control.seen.index(("PUT", "/v1/steps/2")) < puts[1] < control.seen.index(("PUT", "/v1/steps/4"))
    assert control.begun == [0, 1, 2, 3], "what only looks or finishes may be given to another runner"


def test_a_runner_goes_on_from_the_bundle_of_another(repo: Repo, start: Start, begin: Begin) -> None:
    repo.commit({"a": "1", "gone": "x"})
    work = begin()
    work.sh("rm gone; echo kept > b; chmod +x b")
    claimed = claim_for(repo, resume={"step": 7, "tree": work.recorder.tree(), "bundle": "later", "kind": "bundle"})
    runner = start(claimed, [bash("ls; test -x b"), *DONE], first_step=7)
    runner.control.blobs["stored"] = bundle_of(work, repo)
    claimed["resume"]["bundle"] = f"{runner.control.url}/get/stored"
    assert runner.run() == 0, runner.stderr
    assert runner.control.results(8) == [("ok", "a\nb\n[exit code 0]")]
    assert set(runner.control.changes()) == {"gone", "b"}
    first = runner.control.steps[7].checkpoint
    assert first is not None
    assert first.tree == work.recorder.tree()


def test_the_stored_work_is_fetched_while_its_grant_is_good_however_long_set_up_takes(
    repo: Repo, start: Start, begin: Begin
) -> None:
    """A grant lasts fifteen minutes, clone and set-up may take twenty; and a download that breaks off is begun again."""
    repo.commit({"a": "1"})
    work = begin()
    work.sh("echo kept > b")
    resume = {"step": 7, "tree": work.recorder.tree(), "bundle": "later", "kind": "bundle"}
    claimed = claim_for(repo, resume=resume, setup={"setup": "true"})
    runner = start(claimed, [bash("cat b"), *DONE], first_step=7, breaks_off=1)
    runner.control.blobs["stored"] = bundle_of(work, repo)
    claimed["resume"]["bundle"] = f"{runner.control.url}/get/stored"
    claimed["clone"] |= {"token": "t", "revoke_url": f"{runner.control.url}/installation/token"}
    assert runner.run() == 0, runner.stderr
    assert runner.control.results(8) == [("ok", "kept\n[exit code 0]")]
    seen = [path for _, path in runner.control.seen]
    assert seen.count("/get/stored") == 2
    assert seen.index("/get/stored") < seen.index("/installation/token")


def test_a_store_that_somebody_else_writes_the_same_to_at_once_is_asked_again(repo: Repo, start: Start) -> None:
    """docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html: 409, to be tried again."""
    repo.commit({"a": "1"})
    runner = start(claim_for(repo), [bash("echo 2 > a"), *DONE], puts=[(409, b"ConditionalRequestConflict")])
    assert runner.run() == 0, runner.stderr
    assert runner.control.end.outcome == "handed_over"
    assert runner.control.changes()["a"].data == b"2\n"


def test_a_bundle_that_cannot_be_laid_ends_it_and_is_not_taken_for_no_work(repo: Repo, start: Start) -> None:
    repo.commit({"a": "1"})
    claimed = claim_for(repo, resume={"step": 7, "tree": "t" * 40, "bundle": "later", "kind": "bundle"})
    runner = start(claimed, DONE, first_step=7)
    runner.control.blobs["stored"] = b"nonsense"
    claimed["resume"]["bundle"] = f"{runner.control.url}/get/stored"
    assert runner.run() == 0, runner.stderr
    end = runner.control.end
    assert (end.outcome, end.reason, end.changeset, end.tree) == ("gave_up", "no_workspace", None, None)
    assert "The stored work cannot be laid over the repository" in end.summary


def test_work_that_is_too_much_to_keep_is_said_and_ends_nothing(repo: Repo, start: Start) -> None:
    repo.commit({"a": "1"})
    many = f"mkdir many && cd many && seq {CHECKPOINT_MAX_FILES + 1} | xargs touch"
    runner = start(claim_for(repo), [bash(f"echo 2 > a; {many}"), bash("rm -r many"), *DONE])
    assert runner.run() == 0, runner.stderr
    steps = runner.control.steps
    assert steps[1].checkpoint is None
    assert steps[1].unkept == "5,001 files changed at once; the limit is 5,000" or "5,00" in steps[1].unkept
    assert (steps[2].checkpoint is not None, steps[2].unkept) == (True, "")
    assert runner.control.changes()["a"].data == b"2\n"


def test_one_change_among_ten_thousand_files_costs_few_git_processes(
    repo: Repo, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a checkpoint takes in milliseconds is measured by `make bench`; that it cannot grow is seen here."""
    repo.commit({f"d{n // 50}/f{n}": str(n) for n in range(500)})
    work = begin()
    work.recorder.tree()
    counted: list[str] = []
    real = subprocess.Popen

    def popen(argv: list[str], *more: object, **named: object) -> object:
        counted.append(argv[1])
        return real(argv, *more, **named)  # type: ignore[call-overload]

    work.sh("echo 2 > d3/f150")
    monkeypatch.setattr(subprocess, "Popen", popen)
    bundle_of(work, repo)
    assert counted == ["ls-files", "update-index", "write-tree", "hash-object", "update-ref", "bundle"]
    counted.clear()
    work.recorder.tree()
    assert counted == ["ls-files"]
