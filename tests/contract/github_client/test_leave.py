"""`persevere leave` on a repository with work of every kind: ours and unfinished goes, all else stays."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from local.blobs import FileBlobs
from local.cloud.leave import AtWork, Here, leave
from local.trial.terminal import Terminal
from shared.domain import keys
from shared.domain.record import ANY, Put, Record
from shared.errors import NotConfigured
from shared.ports import read_all
from shared.spill import pack
from tests.contract.github_client.stage import REPO, Stage

BUILT, MERGED, REVIEWED, QUEUED = "1ak2bb0zy1", "1ak2bb0zy2", "1ak2bb0zy3", "1ak2bb0zy4"


class Repo:
    """One repository with what we left in it."""

    def __init__(self, stage: Stage, place: Path) -> None:
        self.stage, self.place = stage, place
        self.id = stage.repository.id
        self.pk = keys.issue_pk(self.id, 1)
        self.blobs = FileBlobs(place / "blobs", stage.clock, "http://127.0.0.1:1", b"k" * 32)
        self.app_pulls: dict[str, int] = {}
        for job in (BUILT, REVIEWED):
            stage.work(f"persevere/1-{job}")
        stage.octocat.do(
            "POST", f"/repos/{REPO}/git/refs", {"ref": f"refs/heads/persevere/1-{MERGED}", "sha": stage.head()}
        )
        stage.octocat.push(REPO, "persevere/theirs", {"x.txt": "x\n"}, "Not ours", base="main")
        self.draft = self._pull(BUILT, draft=True)
        self.ready = self._pull(REVIEWED, draft=False)
        for job in (BUILT, MERGED, REVIEWED):
            self.job(job, "handed_over")
        long = {"pk": self.pk, "number": 1, "said": "a long text " * 3000}
        self.put(pack(Record(keys.issue_state(self.pk), "issue", long), self.blobs, f"{self.id}/1"))
        self.put(Record(keys.spec(self.pk, 1), "spec", {"spec": {"version": 1}}))
        self.put(Record(keys.ledger(self.pk, 1), "ledger", {"spent_nano": 5}))
        self.put(Record(keys.evidence(BUILT, "AC-1", "head"), "evidence", {"outcome": "pass"}))

    def _pull(self, job: str, *, draft: bool) -> int:
        wish = {"head": f"persevere/1-{job}", "base": "main", "title": job, "body": "", "draft": draft}
        made = self.stage.github("publish").post(f"/repos/{REPO}/pulls", wish)
        return int(made.body["number"])

    def put(self, record: Record) -> None:
        self.stage.store.commit(Put(record, ANY))

    def job(self, job: str, status: str) -> None:
        self.put(Record(keys.job_state(job), "job", {"id": job, "issue": self.pk, "status": status}))
        self.put(Record(keys.history(self.id, 1, job), "history", {"job": job}))
        if status != "handed_over":
            self.put(Record(keys.active(self.stage.installation["id"], job), "active", {"job": job}))

    def leave(self, *, yes: bool = True, answer: str = "", name: str = REPO) -> tuple[int, str]:
        stage, said = self.stage, io.StringIO()

        def drop(repository: int) -> int:
            shutil.rmtree(self.place / "blobs" / str(repository), ignore_errors=True)
            return 1

        here = Here(stage.store, self.blobs, stage.clock, stage.wire, stage.tokens, "persevere", drop)
        code = leave(here, name, self.export, Terminal(said), yes=yes, ask=lambda question: answer)
        return code, said.getvalue()

    @property
    def export(self) -> Path:
        return self.place / "export.json"

    def branches(self) -> set[str]:
        found = self.stage.octocat.get(f"/repos/{REPO}/git/matching-refs/heads/persevere/")
        return {each["ref"].removeprefix("refs/heads/persevere/") for each in found}

    def pull(self, number: int) -> dict[str, Any]:
        return self.stage.octocat.pull(REPO, number)


@pytest.fixture
def repo(stage: Stage, tmp_path: Path) -> Repo:
    return Repo(stage, tmp_path)


def test_drafts_and_unmerged_branches_of_ours_go_and_the_rest_stays(repo: Repo) -> None:
    code, said = repo.leave()
    assert code == 0, said
    assert repo.pull(repo.draft)["state"] == "closed"
    assert repo.pull(repo.ready)["state"] == "open"
    assert repo.branches() == {f"1-{MERGED}", f"1-{REVIEWED}", "theirs"}
    for kept in (f"1-{MERGED} (merged)", f"1-{REVIEWED} (an open", "theirs (no job"):
        assert kept.split(" (")[0] in said, said


def test_everything_is_exported_whole_before_it_is_forgotten(repo: Repo) -> None:
    repo.job(QUEUED, "queued")
    repo.leave()
    exported = json.loads(repo.export.read_text("utf-8"))
    bodies = {row["key"]: row["body"] for row in exported["issues"][repo.pk]}
    assert bodies["STATE"]["said"].startswith("a long text") and len(bodies["STATE"]["said"]) > 30_000
    assert bodies["SPEC#0001"] == {"spec": {"version": 1}}
    assert bodies["LEDGER#0001"] == {"spent_nano": 5}
    assert {row["key"] for row in exported["jobs"][BUILT]} == {"STATE", "EVIDENCE#AC-1#head"}
    for pk in (repo.pk, keys.job_pk(BUILT), keys.job_pk(QUEUED), f"REPO#{repo.id}"):
        assert list(read_all(repo.stage.store, pk, "")) == []
    assert repo.stage.store.get(keys.active(repo.stage.installation["id"], QUEUED)) is None
    assert not (repo.place / "blobs" / str(repo.id)).exists()


def test_no_is_no_and_an_export_is_never_overwritten(repo: Repo) -> None:
    code, _ = repo.leave(yes=False, answer="n")
    assert code == 2
    assert not repo.export.exists()
    assert repo.pull(repo.draft)["state"] == "open"
    repo.export.write_text("an earlier one")
    with pytest.raises(NotConfigured, match="there already"):
        repo.leave()
    assert repo.pull(repo.draft)["state"] == "open"


def test_a_running_job_is_not_left_alone(repo: Repo) -> None:
    repo.job("1ak2bb0zy9", "running")
    with pytest.raises(AtWork, match="1ak2bb0zy9"):
        repo.leave()
    assert repo.pull(repo.draft)["state"] == "open"


def test_a_repository_without_the_app_is_named(repo: Repo) -> None:
    with pytest.raises(NotConfigured, match="not installed"):
        repo.leave(name="octo-org/elsewhere")


def test_leaving_twice_finds_nothing_more(repo: Repo) -> None:
    repo.leave()
    repo.export.unlink()
    code, said = repo.leave()
    assert code == 0
    assert "draft #" not in said
