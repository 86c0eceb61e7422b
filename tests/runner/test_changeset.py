"""What counts as the agent's change: odd files, what set-up made, limits; and that it can be laid back."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner_image import changeset
from runner_image import git as git_module
from runner_image.changeset import Recorder, TooBig
from runner_image.git import LOCAL_S, Git
from runner_image.ignore import base_rules, rules_from_root
from runner_image.orders import Orders
from runner_image.trees import compare, lay_on, tree_of
from runner_image.workspace import Checkout, check_out, clone
from shared.domain.protocol import Change, Clone, RunnerLimits, decode
from tests.runner.conftest import GIT, Fence, Repo


@dataclass
class Work:
    git: Git
    checkout: Checkout
    recorder: Recorder
    fence: Fence

    @property
    def tree(self) -> Path:
        return self.checkout.tree

    def sh(self, line: str) -> None:
        ran = Fence(self.fence.sandbox, self.checkout.place).run(line)
        assert ran.exit == 0, ran.output.text()

    def changes(self) -> dict[str, tuple[str | None, bytes]]:
        blob = self.recorder.take().blob
        return {change.shown: (change.mode, change.data) for change in decode(blob).changes}


@pytest.fixture
def begin(repo: Repo, tmp_path: Path, make_fence: Callable[..., Fence]) -> Callable[..., Work]:
    def make(setup: str = "true", head: str | None = None, **limits: int) -> Work:
        fence = make_fence("none")
        base = repo.commits[0]
        git = clone(Clone(url=repo.url, base=base, head=head), tmp_path / "trusted", GIT, Orders(), allow_file=True)
        checkout = check_out(git, tmp_path / "job", fence.sandbox, base, head)
        bounds = RunnerLimits(seconds=60, **limits)
        recorder = Recorder(git, checkout.tree, checkout.index, base, head or base, bounds)
        work = Work(git, checkout, recorder, fence)
        work.sh(setup)
        recorder.record_setup()
        return work

    return make


Begin = Callable[..., Work]


def test_odd_files_are_kept_as_they_are(repo: Repo, begin: Begin) -> None:
    repo.commit(
        {
            "plain": "1\n",
            "tool": "#!/bin/sh\n",
            "gone/deep/file": "x",
            "crlf.txt": "a\r\nb\r\n",
            ".gitattributes": "* text=auto eol=lf\n*.bin filter=evil\n",
        }
    )
    work = begin()
    work.sh(
        r"""chmod +x tool; rm -r gone; printf 'a\r\nc\r\n' > crlf.txt; printf '\0\377' > data.bin; printf nl > 'new
line'; ln -s /etc/passwd out; printf '\351' > "$(printf 'caf\351')"; mkfifo pipe; mkdir empty"""
    )
    assert work.changes() == {
        "tool": ("100755", b"#!/bin/sh\n"),
        "gone/deep/file": (None, b""),
        "crlf.txt": ("100644", b"a\r\nc\r\n"),
        "data.bin": ("100644", b"\0\xff"),
        "new\\nline": ("100644", b"nl"),
        "out": ("120000", b"/etc/passwd"),
        "caf\\xe9": ("100644", b"\xe9"),
    }


def test_the_tree_is_the_one_that_git_makes_of_it(repo: Repo, begin: Begin) -> None:
    repo.commit({"a": "1", "d/b": "2", "c": "3"})
    work = begin()
    work.sh("rm c; mkdir c; echo 4 > c/e; rm -r d; echo now a file > d")
    taken = work.recorder.take()
    repo.commit({"a": "1", "d/b": None, "c": None})
    (repo.path / "d").rmdir()
    repo.commit({"c/e": "4\n", "d": "now a file\n"})
    assert taken.changeset.tree == repo.git("rev-parse", "HEAD^{tree}")
    assert taken.changeset.base == repo.commits[0]


def test_nothing_changed_is_an_empty_change(repo: Repo, begin: Begin) -> None:
    repo.commit({"a": "1"})
    work = begin()
    work.sh("touch a; echo 2 > a; printf 1 > a")
    assert work.changes() == {}
    assert work.recorder.tree() == tree_of(work.git, repo.head)


def test_what_setup_made_is_left_out(repo: Repo, begin: Begin) -> None:
    repo.commit({"a": "1", "lock": "old", "gen/keep": "k"})
    work = begin(
        "mkdir -p .venv/lib myenv build gen; touch .venv/pyvenv.cfg .venv/lib/x myenv/pyvenv.cfg build/out gen/made pkg.egg-info; echo new > lock; rm a"
    )
    work.sh(
        "echo b > b; echo more > .venv/lib/y; echo more > myenv/z; echo more > build/new; echo changed > build/out; echo mine > gen/mine"
    )
    taken = work.recorder.take()
    assert set(work.changes()) == {"b", "build/new", "gen/mine"}
    assert ".venv/" in taken.left_out
    assert {"myenv/", "build/out", "gen/made"} <= set(taken.left_out)


def test_a_file_that_setup_changed_and_the_agent_too_is_in(repo: Repo, begin: Begin) -> None:
    repo.commit({"lock": "1\n"})
    work = begin("echo 2 >> lock")
    assert work.changes() == {}
    work.sh("echo 3 >> lock")
    assert work.changes() == {"lock": ("100644", b"1\n2\n3\n")}


def test_the_bases_ignore_rules_hold_whatever_the_agent_does_to_them(repo: Repo, begin: Begin) -> None:
    repo.commit(
        {".gitignore": "*.log\n/dist/\n", "docs/.gitignore": "build/\n!keep.log\n", "docs/x": "x", "x.log": "tracked"}
    )
    work = begin()
    work.sh(
        "mkdir -p dist docs/build docs/sub/build; touch a.log dist/a docs/build/a docs/sub/build/a docs/keep.log; echo 2 > x.log; echo '*.py' > .gitignore; touch new.py; mkdir -p __pycache__ && touch __pycache__/a.pyc"
    )
    assert set(work.changes()) == {".gitignore", "new.py", "x.log", "docs/keep.log"}


def test_a_repository_inside_is_taken_as_its_files(repo: Repo, begin: Begin) -> None:
    repo.commit({"a": "1"})
    work = begin()
    work.sh("mkdir inner && cd inner && git init -q . && echo x > f && mkdir d && ln -s d l")
    assert set(work.changes()) == {"inner/f", "inner/l"}


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        pytest.param(
            "mkdir -p inner/.git/objects inner/.git/refs && mkfifo inner/.git/HEAD && echo x > inner/f",
            {"inner/f"},
            id="a repository inside",
        ),
        pytest.param("mkdir -p out/.git/objects out/.git/refs && mkfifo out/.git/HEAD", set(), id="an ignored one"),
        pytest.param("rm -f .gitattributes; mkfifo .gitattributes", set(), id="attributes"),
        pytest.param(
            "mkdir -p sub/.git/objects sub/.git/refs && mkfifo sub/.git/HEAD",
            set(),
            id="where the base has a submodule",
        ),
    ],
)
def test_a_pipe_where_git_reads_does_not_hold_us_up(
    repo: Repo, begin: Begin, monkeypatch: pytest.MonkeyPatch, line: str, kept: set[str]
) -> None:
    monkeypatch.setattr("runner_image.pipes.LOOK_S", 0.5)
    repo.commit({"a": "1", ".gitignore": "out/\n"})
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.head},sub")
    repo.git("commit", "-q", "-m", "a submodule")
    repo.commits[:] = [repo.git("rev-parse", "HEAD")]
    work = begin()
    began = time.monotonic()
    work.sh(f"{line}; echo 2 > a")
    assert set(work.changes()) == {"a", *kept}
    assert time.monotonic() - began < LOCAL_S / 2, "it was not waited for as long as git may take"


def test_what_a_write_left_that_was_killed_is_no_part_of_the_change(repo: Repo, begin: Begin) -> None:
    """A file of that name which the base has is a file like any other."""
    half, theirs = (f".persevere-{letter * 16}.new" for letter in "ab")
    repo.commit({"a": "1", theirs: "1"})
    work = begin()
    work.sh(f"mkdir -p d inner/.git/objects; echo half | tee {half} d/{half} inner/{half}; echo 2 | tee a {theirs}")
    mark = work.recorder.mark()
    assert set(work.changes()) == {"a", theirs}
    work.sh("echo 3 > a")
    work.recorder.put_back(mark)
    assert set(work.changes()) == {"a", theirs}
    assert half not in work.git.run("ls-tree", "-r", "--name-only", work.recorder.tree()).decode()


def test_hostile_settings_in_the_workspace_are_never_obeyed(repo: Repo, begin: Begin, tmp_path: Path) -> None:
    repo.commit({"a": "1", ".gitattributes": "* filter=evil diff=evil\n"})
    work = begin()
    touch = f"touch {tmp_path}/obeyed"
    work.sh(
        f"git config core.fsmonitor '{touch}'; git config filter.evil.clean '{touch}; cat'; git config core.hooksPath hooks;"
        f"mkdir -p hooks; printf '#!/bin/sh\\n{touch}' > hooks/post-index-change; chmod +x hooks/*; git config alias.ls-files '!{touch}';"
        "echo 2 > a"
    )
    assert work.changes()["a"] == ("100644", b"2\n")
    assert not (tmp_path / "obeyed").exists()


def test_the_workspace_has_one_commit_and_no_way_back(repo: Repo, begin: Begin) -> None:
    repo.commit({"a": "1"})
    head = repo.commit({"a": "2"})
    work = begin(head=head)
    work.sh(
        f'test $(git rev-list --all --count) = 1 && test -z "$(git remote)" && ! git cat-file -e {head} && ! grep -r {repo.path} .git && git diff --quiet HEAD -- nothing && ! git diff --quiet'
    )
    work.sh("git -c user.name=octocat -c user.email=octocat@example.com commit -qam own && git checkout -q -b other")
    assert work.changes() == {"a": ("100644", b"2")}


def test_a_later_head_counts_from_the_base(repo: Repo, begin: Begin) -> None:
    repo.commit({"a": "1", "b": "1", "c": "1"})
    head = repo.commit({"a": "2", "b": None, "d": "2"})
    work = begin("test $(cat a) = 2 && test ! -e b", head=head)
    work.sh("printf 1 > a; printf 3 > d; printf 2 > c")
    assert work.changes() == {"b": (None, b""), "c": ("100644", b"2"), "d": ("100644", b"3")}


def test_a_stored_change_can_be_laid_back(repo: Repo, begin: Begin) -> None:
    repo.commit({"a": "1", "d/b": "2", "l": "-> a", "c": "3"})
    work = begin()
    work.sh("rm c l; mkdir c; echo 4 > c/e; rm -r d; ln -s c d; printf x > l; chmod +x l")
    taken = work.recorder.take()
    tree = lay_on(work.git, repo.commits[0], decode(taken.blob).changes)
    assert tree == taken.changeset.tree
    work.sh("git checkout -q -f . && git clean -qfdx")
    assert work.recorder.tree() == work.recorder.start
    work.checkout.lay(compare(work.git, work.recorder.start, tree))
    assert work.recorder.take() == taken


@pytest.mark.parametrize(
    ("line", "limits", "words"),
    [
        (
            "head -c 1001 /dev/zero > big",
            {"changeset_file_bytes": 1000},
            "big has 1,001 bytes; the limit is 1,000 a file",
        ),
        (
            "for i in 1 2 3; do head -c 900 /dev/zero > $i; done",
            {"changeset_bytes": 2000},
            "the change has 2,700 bytes; the limit is 2,000",
        ),
        ("for i in 1 2 3; do echo > $i; done", {"changeset_files": 2}, "the change has 3 files; the limit is 2"),
        ("for i in $(seq 50); do echo > $i; done", {"changeset_files": 2}, "the change has 50 files; the limit is 2"),
        ("rm a b c", {"changeset_files": 2}, "the change has 3 files; the limit is 2"),
    ],
)
def test_a_change_that_is_too_big_is_refused_with_the_numbers(
    repo: Repo, begin: Begin, line: str, limits: dict[str, int], words: str
) -> None:
    repo.commit({"a": "1", "b": "1", "c": "1"})
    work = begin(**limits)
    work.sh(line)
    with pytest.raises(TooBig) as error:
        work.recorder.take()
    assert words in str(error.value)


PATHS = st.sampled_from([b"a", b"a/b", b"a/b/c", b"d", b"d/e", b"f g", b"h\ni", b"\xff"])
CHANGES = st.lists(
    st.one_of(
        st.builds(Change, PATHS, st.sampled_from(["100644", "100755"]), st.binary(max_size=8)),
        st.builds(Change, PATHS, st.just("120000"), st.sampled_from([b"a", b"/etc/passwd", b"../x"])),
        st.builds(Change, PATHS, st.none()),
    ),
    max_size=12,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(CHANGES)
def test_any_change_that_is_laid_is_taken_back_whole(repo: Repo, begin: Begin, changes: list[Change]) -> None:
    if not repo.commits:
        repo.commit({"a": "1", "d/e": "2"})
        test_any_change_that_is_laid_is_taken_back_whole.work = begin()  # type: ignore[attr-defined]
    work: Work = test_any_change_that_is_laid_is_taken_back_whole.work  # type: ignore[attr-defined]
    for change in changes:
        work.checkout.lay([change])
    taken = work.recorder.take()
    assert lay_on(work.git, repo.commits[0], taken.changeset.changes) == taken.changeset.tree


@pytest.mark.parametrize(
    ("directory", "text", "rules"),
    [
        (b"", b"*.log\n# c\n\n/x \n", b"*.log\n/x\n"),
        (b"d", b"*.log", b"/d/**/*.log\n"),
        (b"d/e", b"build/", b"/d/e/**/build/\n"),
        (b"d", b"/build", b"/d/build\n"),
        (b"d", b"a/b", b"/d/a/b\n"),
        (b"d", b"!keep", b"!/d/**/keep\n"),
        (b"a[b]*", b"x", b"/a\\[b\\]\\*/**/x\n"),
        (b"d", b"\\#x\n\\!y", b"/d/**/#x\n/d/**/!y\n"),
        (b"d", b"s\\ ", b"/d/**/s\\ \n"),
        (b"", b"\xef\xbb\xbfx\r\n", b"x\n"),
    ],
)
def test_ignore_rules_as_rules_of_the_root(directory: bytes, text: bytes, rules: bytes) -> None:
    assert rules_from_root(directory, text) == rules


def test_base_rules_come_deepest_last(repo: Repo, begin: Begin) -> None:
    repo.commit({"b/a/.gitignore": "3\n", ".gitignore": "1\n", "z/.gitignore": "2\n"})
    work = begin()
    assert base_rules(work.git, repo.head).splitlines()[-3:] == [b"1", b"/z/**/2", b"/b/a/**/3"]


def test_files_without_end_are_told_before_they_are_taken_in(
    repo: Repo, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our own memory does not hang on how many files a command makes."""
    repo.commit({"a": "1"})
    work = begin()
    monkeypatch.setattr(git_module, "LISTING_MOST_BYTES", 100_000)
    work.sh("mkdir many; cd many; touch $(seq -f 'a-rather-long-name-%06g' 5000)")
    with pytest.raises(TooBig, match="bytes of names"):
        work.recorder.tree()
    work.sh(
        "rm -r many; mkdir -p r/.git/refs r/.git/objects; echo ref: refs/heads/x > r/.git/HEAD; touch r/1 r/2 r/3 r/4"
    )
    monkeypatch.setattr(changeset, "NAMES_MOST", 3)
    with pytest.raises(TooBig, match="more than 3"):
        work.recorder.tree()
    work.sh("rm -r r; echo 2 > a")
    assert work.changes() == {"a": ("100644", b"2\n")}
