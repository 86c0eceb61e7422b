"""Git Data, refs, commits that GitHub signs, and git over HTTP on the same objects."""

import base64
import subprocess
from pathlib import Path

import pytest

from local.github.git import ZERO, environment
from local.github.wire import Refused
from tests.contract.github_simulator.stage import REPO, WRITE, R

REFUSING = "refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without `workflows` permission"
UPDATE = "mutation($input:UpdateRefsInput!){updateRefs(input:$input){clientMutationId}}"


def run(folder: Path | None, *arguments: str) -> subprocess.CompletedProcess:
    names = {f"GIT_{who}_{key}": "octocat@example.com" for who in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    at = ["-C", str(folder)] if folder else []
    return subprocess.run(["git", *at, *arguments], env=environment(names), capture_output=True, text=True, check=False)


def remote(stage, token: str) -> str:
    return f"{stage.url.replace('://', f'://x-access-token:{token}@')}/{REPO}.git"


def test_trees_keep_modes_and_delete(stage):
    client = stage.here()
    link = client.post(f"{R}/git/blobs", json={"content": "src/a.py"}).json()["sha"]
    data = client.post(f"{R}/git/blobs", json={"content": base64.b64encode(b"\xff\x00").decode(), "encoding": "base64"})
    base = client.get(f"{R}/git/commits/{stage.head()}").json()["tree"]["sha"]
    entries = [
        {"path": "src/link", "mode": "120000", "type": "blob", "sha": link},
        {"path": "new/deep/raw.bin", "mode": "100644", "type": "blob", "sha": data.json()["sha"]},
        {"path": "new/run", "mode": "100755", "type": "blob", "content": "#!/bin/sh\n"},
        {"path": "vendor", "mode": "160000", "type": "commit", "sha": "1" * 40},
        {"path": "README.md", "mode": "100644", "type": "blob", "sha": None},
    ]
    tree = client.post(f"{R}/git/trees", json={"base_tree": base, "tree": entries}).json()["sha"]
    found = client.get(f"{R}/git/trees/{tree}", params={"recursive": "1"}).json()["tree"]
    assert {one["path"]: one["mode"] for one in found} == {
        "new": "040000",
        "new/deep": "040000",
        "new/deep/raw.bin": "100644",
        "new/run": "100755",
        "run.sh": "100755",
        "src": "040000",
        "src/a.py": "100644",
        "src/link": "120000",
        "vendor": "160000",
    }
    grafted = client.post(
        f"{R}/git/trees", json={"tree": [{"path": "sub", "mode": "040000", "type": "tree", "sha": base}]}
    )
    assert [one["path"] for one in grafted.json()["tree"]] == ["sub"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"path": "../x", "mode": "100644", "content": ""}, "malformed path component"),
        ({"path": "a/.git/config", "mode": "100644", "content": ""}, "malformed path component"),
        ({"path": "/x", "mode": "100644", "content": ""}, "cannot start with a slash"),
        ({"path": "x", "mode": "100600", "content": ""}, "tree.mode must be one of"),
        ({"path": "x", "mode": "100644", "sha": "2" * 40}, "is not a valid blob"),
        ({"path": "not/there", "mode": "100644", "sha": None}, "GitRPC::BadObjectState"),
    ],
)
def test_trees_that_cannot_be(stage, entry, message):
    client = stage.here()
    base = client.get(f"{R}/git/commits/{stage.head()}").json()["tree"]["sha"]
    answer = client.post(f"{R}/git/trees", json={"base_tree": base, "tree": [{"type": "blob", **entry}]})
    assert answer.status_code == 422
    assert message in answer.json()["message"]


def test_github_signs_only_commits_without_author_and_committer(stage):
    client = stage.here()
    first, second = (stage.commit(client, {"a.txt": "1"}) for _ in range(2))
    assert first["verification"]["verified"]
    assert first["verification"]["reason"] == "valid"
    assert first["author"]["name"] == "persevere[bot]"
    assert first["author"]["email"] == f"{stage.app['bot_id']}+persevere[bot]@users.noreply.github.com"
    assert first["sha"] != second["sha"], "the same request twice makes two commits"
    named = {"name": "x", "email": "x@example.com", "date": "2024-01-01T00:00:00Z"}
    for who in ("author", "committer"):
        assert not stage.commit(client, {"a.txt": "1"}, **{who: named})["verification"]["verified"]
    both = [stage.commit(client, {"a.txt": "1"}, author=named, committer=named)["sha"] for _ in range(2)]
    assert both[0] == both[1]
    assert not stage.commit(stage.person(stage.octocat), {"a.txt": "1"})["verification"]["verified"]


def test_refs_refuse_what_is_there_and_what_is_not(stage):
    client = stage.here()
    sha = stage.branch(client, "work", {"w.txt": "1"})
    again = client.post(f"{R}/git/refs", json={"ref": "refs/heads/work", "sha": sha})
    assert (again.status_code, again.json()["message"]) == (422, "Reference already exists")
    side = stage.commit(client, {"w.txt": "2"})["sha"]
    moved = client.patch(f"{R}/git/refs/heads/work", json={"sha": side, "force": False})
    assert (moved.status_code, moved.json()["message"]) == (422, "Update is not a fast forward")
    assert stage.head("work") == sha
    assert client.patch(f"{R}/git/refs/heads/work", json={"sha": side, "force": True}).status_code == 200
    absent = client.patch(f"{R}/git/refs/heads/none", json={"sha": sha})
    assert (absent.status_code, absent.json()["message"]) == (422, "Reference does not exist")
    unknown = client.post(f"{R}/git/refs", json={"ref": "refs/heads/x", "sha": "3" * 40})
    assert (unknown.status_code, unknown.json()["message"]) == (422, "Object does not exist")
    assert client.post(f"{R}/git/refs", json={"ref": "heads/x", "sha": sha}).status_code == 422
    assert [one["ref"] for one in client.get(f"{R}/git/matching-refs/heads/wo").json()] == ["refs/heads/work"]
    assert client.get(f"{R}/git/ref/heads/wor").status_code == 404
    assert client.delete(f"{R}/git/refs/heads/work").status_code == 204
    assert client.get(f"{R}/branches/work").status_code == 404


def test_update_refs_moves_only_what_is_where_it_was_expected(stage):
    client = stage.here()
    sha = stage.branch(client, "work", {"w.txt": "1"})
    side = stage.commit(client, {"w.txt": "2"})["sha"]
    repository = stage.graphql(client, '{repository(owner:"octo-org",name:"octo-repo"){id}}')["data"]["repository"][
        "id"
    ]

    def update(*updates):
        return stage.graphql(client, UPDATE, input={"repositoryId": repository, "refUpdates": list(updates)})

    wrong = update(
        {"name": "refs/heads/fresh", "beforeOid": ZERO, "afterOid": side},
        {"name": "refs/heads/work", "beforeOid": side, "afterOid": side, "force": True},
    )
    assert wrong["errors"][0]["path"] == ["updateRefs"]
    assert wrong["data"]["updateRefs"] is None
    assert stage.head("work") == sha
    with pytest.raises(Refused):
        stage.head("fresh")
    blunt = update({"name": "refs/heads/work", "beforeOid": sha, "afterOid": side})
    assert "not a fast forward" in blunt["errors"][0]["message"]
    assert "errors" not in update({"name": "refs/heads/work", "beforeOid": sha, "afterOid": side, "force": True})
    assert stage.head("work") == side
    assert "errors" in update({"name": "refs/heads/work", "beforeOid": ZERO, "afterOid": sha})
    assert "errors" not in update({"name": "refs/heads/fresh", "beforeOid": ZERO, "afterOid": sha})
    assert stage.head("fresh") == sha
    assert "errors" not in update({"name": "refs/heads/fresh", "beforeOid": sha, "afterOid": ZERO})
    with pytest.raises(Refused):
        stage.head("fresh")
    forbidden = stage.graphql(
        stage.here(contents="read"),
        UPDATE,
        input={"repositoryId": repository, "refUpdates": [{"name": "refs/heads/work", "afterOid": sha, "force": True}]},
    )
    assert forbidden["errors"][0]["type"] == "FORBIDDEN"


def test_workflow_files_need_their_permission_on_every_road(stage, tmp_path):
    client = stage.here()
    sha = stage.commit(client, {".github/workflows/ci.yml": "on: push\n"})["sha"]
    made = client.post(f"{R}/git/refs", json={"ref": "refs/heads/ci", "sha": sha})
    assert (made.status_code, made.json()["message"]) == (403, REFUSING)
    repository = stage.repository["node_id"]
    moved = stage.graphql(
        client,
        UPDATE,
        input={
            "repositoryId": repository,
            "refUpdates": [{"name": "refs/heads/ci", "beforeOid": ZERO, "afterOid": sha}],
        },
    )
    assert moved["errors"][0]["message"] == REFUSING
    additions = [{"path": ".github/workflows/ci.yml", "contents": base64.b64encode(b"x").decode()}]
    created = commit_on_branch(stage, client, stage.head(), additions)
    assert created["errors"][0]["message"] == REFUSING
    folder = tmp_path / "clone"
    assert run(None, "clone", "-q", remote(stage, stage.token()), str(folder)).returncode == 0
    file = folder / ".github/workflows/ci.yml"
    file.parent.mkdir(parents=True)
    file.write_text("on: push\n")
    run(folder, "add", "-A")
    run(folder, "commit", "-qm", "ci")
    pushed = run(folder, "push", "origin", "HEAD:refs/heads/ci")
    assert pushed.returncode != 0
    assert REFUSING in pushed.stderr
    assert client.get(f"{R}/git/matching-refs/heads/ci").json() == []
    stage.st.configure_installation(stage.installation["id"], permissions={**WRITE, "workflows": "write"})
    allowed = stage.here(**WRITE, workflows="write")
    assert allowed.post(f"{R}/git/refs", json={"ref": "refs/heads/ci", "sha": sha}).status_code == 201


COMMIT = (
    "mutation($input:CreateCommitOnBranchInput!){createCommitOnBranch(input:$input){commit{oid signature{isValid}}}}"
)


def commit_on_branch(stage, client, expected, additions, deletions=()):
    return stage.graphql(
        client,
        COMMIT,
        input={
            "branch": {"repositoryNameWithOwner": REPO, "branchName": "main"},
            "expectedHeadOid": expected,
            "message": {"headline": "By GraphQL", "body": "Persevere-Effect: x"},
            "fileChanges": {"additions": additions, "deletions": list(deletions)},
        },
    )


def test_commit_on_branch_is_signed_and_guards_the_head(stage):
    client = stage.here()
    head = stage.head()
    additions = [{"path": "new.txt", "contents": base64.b64encode(b"new\n").decode()}]
    made = commit_on_branch(stage, client, head, additions, [{"path": "README.md"}])
    assert made["data"]["createCommitOnBranch"]["commit"]["signature"]["isValid"]
    assert set(stage.st.files(REPO)) == {"new.txt", "run.sh", "src/a.py"}
    stale = commit_on_branch(stage, client, head, additions)
    assert stale["errors"][0]["type"] == "STALE_DATA"
    assert "Expected branch to point to" in stale["errors"][0]["message"]


def test_clone_fetch_and_push_over_http(stage, tmp_path):
    token = stage.token(permissions={"contents": "read"})
    folder = tmp_path / "clone"
    assert run(None, "clone", "-q", "--filter=blob:none", remote(stage, token), str(folder)).returncode == 0
    assert (folder / "src/a.py").read_text() == "x = 1\n"
    assert (folder / "run.sh").stat().st_mode & 0o100
    (folder / "big.txt").write_text("0123456789\n" * 300_000)
    run(folder, "add", "-A")
    run(folder, "commit", "-qm", "big")
    denied = run(folder, "push", "origin", "HEAD:refs/heads/big")
    assert denied.returncode != 0
    assert "Permission to octo-org/octo-repo.git denied to persevere[bot]" in denied.stderr
    writing = remote(stage, stage.token(permissions={"contents": "write"}))
    assert run(folder, "push", writing, "HEAD:refs/heads/big").returncode == 0
    assert stage.head("big") == run(folder, "rev-parse", "HEAD").stdout.strip()


def test_private_clones_need_a_token_that_reaches(stage, tmp_path):
    stage.st.configure(REPO, private=True)
    for url in (
        f"{stage.url}/{REPO}.git",
        remote(stage, stage.hubot.token),
        remote(stage, stage.token(permissions={"issues": "write"})),
    ):
        assert run(None, "clone", "-q", url, str(tmp_path / "no")).returncode != 0
    assert run(None, "clone", "-q", stage.octocat.remote(REPO), str(tmp_path / "yes")).returncode == 0


def test_a_persons_push_is_seen_by_rest_and_told(stage):
    sha = stage.octocat.push(REPO, "feature", {"f.txt": "f\n"}, "Feature", base="main")
    assert stage.head("feature") == sha
    commit = stage.octocat.get(f"{R}/commits/feature")
    assert (commit["commit"]["message"], commit["files"][0]["filename"]) == ("Feature", "f.txt")
    push = stage.last("push").payload
    assert (push["ref"], push["before"], push["after"], push["created"]) == ("refs/heads/feature", ZERO, sha, True)
    assert "check_suite.requested" in stage.events()
    stage.octocat.push(REPO, "feature", {"f.txt": None}, "Gone")
    pair = stage.octocat.get(f"{R}/compare/main...feature")
    assert (pair["status"], pair["ahead_by"], pair["files"]) == ("ahead", 2, [])


def test_contents_of_files_and_directories(stage):
    client = stage.here()
    file = client.get(f"{R}/contents/src/a.py").json()
    assert base64.b64decode(file["content"]) == b"x = 1\n"
    assert [one["path"] for one in client.get(f"{R}/contents/src").json()] == ["src/a.py"]
    assert client.get(f"{R}/contents/src/a.py", headers={"Accept": "application/vnd.github.raw"}).content == b"x = 1\n"
    assert client.get(f"{R}/contents/.github/persevere.yml").status_code == 404


def test_an_empty_repository_says_so(stage):
    stage.st.repository("octo-org", "empty")
    client = stage.here()
    answer = client.get("/repos/octo-org/empty/commits")
    assert (answer.status_code, answer.json()["message"]) == (409, "Git Repository is empty.")
    assert client.get("/repos/octo-org/empty/git/ref/heads/main").status_code == 404
    assert client.get("/repos/octo-org/empty/contents/x").status_code == 404
    assert client.post("/repos/octo-org/empty/git/blobs", json={"content": "x"}).status_code == 409
