"""What a change may touch, in all the spellings that a file system might take for the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.changeset import Change, Changeset
from shared.domain.policy import ChangeLimits, check_change
from shared.domain.secret_scan import find_secrets

BASE = frozenset({"src/a.py", "tests/test_a.py", "pyproject.toml", "run.sh"})


def rules(path: str | bytes, data: bytes = b"x\n", mode: str | None = "100644", **how) -> tuple[set[str], set[str]]:
    name = path if isinstance(path, bytes) else path.encode()
    found = check_change(Changeset("b", "t", (Change(name, mode, data),)), base_paths=BASE, **how)
    return {each.rule for each in found.problems}, {each.rule for each in found.flags}


@pytest.mark.parametrize(
    "path",
    """.github/workflows/ci.yml .GitHub/Workflows/CI.yml .github/actions/x/action.yml .github/persevere.yml
    .github/CODEOWNERS CODEOWNERS docs/CODEOWNERS codeowners .gitmodules sub/.gitmodules .gitattributes AGENTS.md
    agents.md src/CLAUDE.md GEMINI.md .cursor/rules/x.md .claude/settings.json .husky/pre-commit web/.husky/pre-push
    .githooks/pre-commit .gitlab-ci.yml .circleci/config.yml Jenkinsfile azure-pipelines.yml buildspec.yml
    buildspec-test.yml SECURITY.md docs/security.md .vscode/settings.json .devcontainer/devcontainer.json .npmrc
    .copilot-instructions/x web/.githooks/x .travis.yml .devcontainer.json .gitpod.yml .woodpecker.yaml .envrc
    sub/.envrc .pre-commit-config.yaml lefthook.yml .lefthook.toml .yarnrc web/.yarnrc.yml web/.npmrc .pnpmfile.cjs
    ci/Jenkinsfile .gitlab-ci.yaml .mcp.json .clinerules AGENTS.override.md CLAUDE.local.md .aider.conf.yml""".split(),
)
def test_protected_paths(path: str) -> None:
    assert rules(path)[0] == {"protected"}
    assert rules(path, mode=None)[0] == {"protected"}


@pytest.mark.parametrize(
    "path",
    [
        ".github\u200c/workflows/ci.yml",
        ".git\u200dhub/workflows/ci.yml",
        "\uff0egithub/workflows/ci.yml",
        "\u2024github/workflows/ci.yml",
        ".github./workflows/ci.yml",
        ".github /workflows/ci.yml",
        ".github\\workflows\\ci.yml",
        ".\uff27it\uff28ub/workflows/ci.yml",
        ".github/Workflows/x.YAML", ".GITHUB/WORKFLOWS/X.YML", "./.github/workflows/x.yml", ".github//workflows/x.yml",
        "a/../.github/workflows/x.yml", "/.github/workflows/x.yml", ".github/./workflows/x.yml", ".github",
        ".github/workflows/../workflows/x.yml", ".github../workflows/x.yml", ".github . ./workflows/x.yml",
        ".github/workflows\\x.yml", ".\\.github\\workflows\\x.yml", "C:.github/workflows/x.yml", ".github/workflows",
        ".github/workflows./x.yml", ".github/workflows /x.yml", ".github:$DATA/workflows/x.yml", "GITHUB~1/workflows/x.yml",
        ".github::$INDEX_ALLOCATION/workflows/x.yml", "github~2/WORKFL~1/x.yml", "GI7D29~1/x.yml", " .github/workflows/x.yml",
        "\u200b.github/workflows/x.yml", "\ufeff.github/workflows/x.yml", ".gith\u00adub/workflows/x.yml", "\u00a0.github/x",
        ".github\u2060/workflows/x.yml", ".github\u202e/workflows/x.yml", ".g\u0131thub/x.yml", ".g\u0130thub/workflows/x.yml",
        ".github\0/workflows/x.yml", ".github\n/workflows/x.yml", ".github/\uff57orkflows/x.yml", "\u3000.github/x.yml",
        ".github\uff0fworkflows\uff0fx.yml", ".github\u2215workflows/x.yml", ".github\u034f/workflows/x.yml",
        ".github\ufe0f/workflows/x.yml", ".github/\U0001d4cc\U0001d4c4rkflows/x.yml",
        "\uff21\uff27\uff25\uff2e\uff34\uff33.md",
        "CODE\u00adOWNERS",
    ],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["100644", "100755", "120000", None])
def test_other_spellings_of_protected_paths(path: str, mode: str | None) -> None:
    """Made, made executable, made a link, renamed away: never written."""
    assert rules(path, b"on: push\n", mode)[0] & {"protected", "path"}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/.", ".git/config", ".GIT/config", "sub/.git/hooks/x", ".git ",
        ".git./config", "git~1/config", "GIT~2/config", ".git\u200c/config", ".g\u200cit/config", "a\nb", "a\0b", "a\x7fb",
        "C:/x", "c:x", "", "\uff0fetc/passwd", "a/\uff0e\uff0e/b", "\u2025/b", ".git::$INDEX_ALLOCATION/config", "x/\u200b/y",
        "a\\..\\b", "a\\.git\\config",
    ],
)  # fmt: skip
def test_forbidden_names(path: str) -> None:
    assert rules(path)[0] == {"path"}


def test_a_name_that_is_not_utf8_cannot_be_published() -> None:
    assert rules(b"caf\xe9.txt")[0] == {"path"}


@pytest.mark.parametrize(
    "path",
    ["src/b.py", ".gitignore", "docs/readme.md", "src/.hidden", "日本語.txt", "a b.txt", "gitx/y", ".editorconfig"],
)
def test_ordinary_names(path: str) -> None:
    assert rules(path)[0] == set()


def test_a_repository_may_protect_more() -> None:
    for path in ("db/schema.sql", "DB/x/y.sql", "LICENSE"):
        assert rules(path, extra_protected=("db/**", "LICENSE"))[0] == {"protected"}
    assert rules("src/db.py", extra_protected=("db/**", "LICENSE"))[0] == set()


@pytest.mark.parametrize(
    ("path", "target", "bad"),
    [
        ("link", b"src/a.py", False),
        ("a/b/link", b"../../src/a.py", False),
        ("link", b"../outside", True),
        ("a/link", b"../../outside", True),
        ("link", b"/etc/passwd", True),
        ("link", b"src/../../x", True),
        ("link", b".git/config", True),
        ("link", b"sub/.GIT", True),
        ("link", b"", True),
        ("link", b"C:\\x", True),
        ("link", b"..\\x", True),
        ("link", b"a\0b", True),
        ("link", b"\xff", True),
    ],
)
def test_links_may_not_leave_the_repository(path: str, target: bytes, bad: bool) -> None:
    problems, flags = rules(path, target, "120000")
    assert problems == ({"link"} if bad else set())
    assert bad or flags == {"link"}


def test_a_link_in_the_place_of_a_protected_folder() -> None:
    assert rules(".github", b"src", "120000")[0] == {"protected"}


def test_modes() -> None:
    assert rules("x", mode="160000")[0] == {"mode"}
    assert rules(".github", mode="160000")[0] == {"protected"}
    assert rules("tool", b"#!/bin/sh\n", "100755") == (set(), {"executable"})
    assert rules("run.sh", b"#!/bin/sh\n", "100755") == (set(), set())


def test_sizes() -> None:
    small = ChangeLimits(files=2, total_bytes=10, file_bytes=5)
    assert rules("a", b"123456", limits=small)[0] == {"too_big"}
    many = Changeset("b", "t", tuple(Change(f"{n}".encode(), "100644", b"1234") for n in range(3)))
    assert {each.rule for each in check_change(many, limits=small).problems} == {"too_many_files", "too_big"}


@pytest.mark.parametrize(
    ("path", "flag"),
    [
        ("package-lock.json", "lock_file"), ("web/yarn.lock", "lock_file"), ("uv.lock", "lock_file"),
        ("pyproject.toml", "manifest"), ("requirements/dev.txt", "manifest"), ("requirements-dev.in", "manifest"),
        ("Dockerfile", "build_file"), ("docker/app.dockerfile", "build_file"), ("Makefile", "build_file"),
        ("conftest.py", "test_config"), ("tests/conftest.py", "test_config"), ("jest.config.ts", "test_config"),
        ("tests/test_a.py", "existing_test"),
    ],
)  # fmt: skip
def test_what_a_reviewer_should_look_at(path: str, flag: str) -> None:
    assert rules(path) == (set(), {flag})


def test_a_new_test_is_no_changed_one_and_a_removed_one_is_flagged() -> None:
    assert rules("tests/test_new.py")[1] == set()
    assert rules("tests/test_a.py", mode=None)[1] == {"existing_test"}


def test_new_binaries_are_flagged() -> None:
    assert rules("logo.png", b"\x89PNG\0\0")[1] == {"binary"}


SECRETS = [
    "AKIA" + "QWERTYUIOPASDFGH",
    "aws_secret_access_key = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYzQ8K3p9sLm'",
    "ghs_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8",
    "github_pat_" + "A1b2C3d4" * 8,
    "sk-ant-" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bD1fG3",
    "xoxb-" + "2345678901-abcdefGHIJ",
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----",
    'api_key: "q8Zt3nVx0LsRk5WyBd7HcJm2"',
]
HARMLESS = [
    "token = os.environ['GITHUB_TOKEN']",
    "password = 'changeme-please-now-123'",
    "api_key = 'your_api_key_goes_here_please'",
    "secret_name = 'the_name_of_a_long_secret_setting'",
    "sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "AKIAIOSFODNN7EXAMPLE",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----",
    "skip-this-one-it-is-a-long-kebab-case-name-of-a-thing",
]


@pytest.mark.parametrize("line", SECRETS)
def test_secrets_are_found_without_being_told(line: str) -> None:
    problems = check_change(Changeset("b", "t", (Change(b"a.txt", "100644", f"one\n{line}\n".encode()),))).problems
    assert [each.rule for each in problems] == ["secret"]
    assert "line 2" in problems[0].words
    assert line[8:] not in problems[0].words


@pytest.mark.parametrize("line", HARMLESS)
def test_harmless_lines(line: str) -> None:
    assert list(find_secrets(line.encode())) == []


@given(st.binary(max_size=300), st.binary(max_size=60), st.sampled_from(["100644", "100755", "120000", None]))
def test_nothing_a_runner_sends_breaks_the_check(data: bytes, path: bytes, mode: str | None) -> None:
    check_change(Changeset("b", "t", (Change(path, mode, data),)), base_paths=BASE)
