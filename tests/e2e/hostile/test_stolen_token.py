"""What somebody can do who has taken a runner's session token: lie about that job, and nothing else."""

from __future__ import annotations

import hashlib
import threading
from typing import Any

import requests

from tests.e2e.place import Place
from tests.e2e.stories import HELLO, SAMPLE, bash, build, finish, spec, write
from tests.e2e.whole_product import WholeProduct


def at_work(product: WholeProduct) -> tuple[Place, str, threading.Event]:
    """A story whose runner waits for its model until the event is set, and the token of its session."""
    place = product.begin(
        SAMPLE, (spec(), build(bash("true"), write("greet.py", HELLO)), build(finish())), private=True
    )
    answers = product.model.answers[place.full_name] = threading.Event()
    place.plan()
    before = len(product.watch.sessions)
    place.approve(wait=False)
    product.until("the runner to be at work", lambda: place.steps() and len(product.watch.sessions) > before)
    return place, product.watch.sessions[-1], answers


def call(product: WholeProduct, token: str, method: str, path: str, body: Any = None, base: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token}", "Persevere-Protocol": "1"}
    return requests.request(method, f"{base or product.host_url}{path}", json=body, headers=headers, timeout=120)


def test_a_stolen_session_token_is_good_for_its_own_job_alone(product: WholeProduct) -> None:
    place, token, answers = at_work(product)
    full_name, said = place.full_name, {}

    # GitHub does not know it.
    for method, path in (
        ("GET", f"/repos/{full_name}/contents/greet.py"),
        ("GET", "/installation/repositories"),
        ("POST", f"/repos/{full_name}/issues/{place.number}/comments"),
        ("POST", f"/app/installations/{place.installation}/access_tokens"),
        ("POST", "/graphql"),
    ):
        said[path] = call(product, token, method, path, {"body": "x", "query": "{viewer{login}}"}, product.url)
        assert said[path].status_code in (401, 403, 404), path

    # It claims nothing, and no request names another job.
    claim = {"ticket": token, "nonce": "n" * 32, "protocol": 1, "self_test": {}}
    assert call(product, token, "POST", "/v1/claim", claim).status_code in (401, 422)
    for path in ("/v1/jobs", "/v1/blobs", "/v1/steps/1", "/v1/issues", "/v1/settings", "/v1/evidence"):
        assert call(product, token, "GET", path).status_code in (401, 404, 405), path

    # A blob is its own job's, bounded, and exactly what was said.
    data = b"mine"
    sha = hashlib.sha256(data).hexdigest()
    granted = call(product, token, "POST", "/v1/blobs", {"sha256": sha, "bytes": len(data), "kind": "output"}).json()
    state = place.state()
    assert state is not None
    assert granted["key"] == f"{place.repository_id}/{state.job}/{sha}"
    put = requests.put(granted["put"], data=b"else", headers=granted["headers"], timeout=120)
    assert put.status_code >= 400
    other = granted["put"].replace(sha, "0" * 64)
    assert requests.put(other, data=data, headers=granted["headers"], timeout=120).status_code >= 400
    assert requests.get(granted["put"], timeout=120).status_code >= 400
    wish = {"sha256": sha, "bytes": 10**12, "kind": "output"}
    assert call(product, token, "POST", "/v1/blobs", wish).status_code == 413
    for odd in ("../../keys/ticket", "0" * 63, "0" * 64 + "/../x"):
        wish = {"sha256": odd, "bytes": 4, "kind": "output"}
        assert call(product, token, "POST", "/v1/blobs", wish).status_code in (400, 422), odd

    # A token that was changed is none.
    kind, payload, mac = token.split(".")
    altered = {part: ("B" if part[0] == "A" else "A") + part[1:] for part in (payload, mac)}
    for forged in (f"t1.{payload}.{mac}", f"{kind}.{altered[payload]}.{mac}", f"{kind}.{payload}.{altered[mac]}", ""):
        assert call(product, forged, "POST", "/v1/heartbeat", {"step": 0, "doing": ""}).status_code == 401

    answers.set()
    place.settle()
    assert place.phase == "in_review"
    # The job is over: nothing is taken any more, and a last word said again changes nothing.
    before, told = place.pull(), place.status()
    late = {"outcome": "gave_up", "summary": "mine", "reason": "mine", "sandbox": "", "network": "open"}
    assert call(product, token, "POST", "/v1/finish", late).status_code == 200
    for path, body in (
        ("/v1/blobs", {"sha256": sha, "bytes": len(data), "kind": "output"}),
        ("/v1/evidence", {"observations": []}),
    ):
        assert call(product, token, "POST", path, body).status_code == 410, path
    assert call(product, token, "PUT", "/v1/steps/9", {"results": []}).status_code in (409, 410)
    place.settle()
    assert (place.pull(), place.status(), place.phase) == (before, told, "in_review")
    assert len(place.octocat.pulls(full_name, state="all")) == 1
