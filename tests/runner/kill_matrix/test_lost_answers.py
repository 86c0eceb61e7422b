"""Each request of a runner is carried out, and its answer is lost on the way: the runner asks again, and nothing is done
twice."""

import hashlib
import io
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from tests.runner.kill_matrix.gate import HEARTBEAT, Gate
from tests.runner.kill_matrix.test_kill_matrix import Matrix, end_of, leases_of, matrix, play, steps_of

__all__ = ["matrix"]


class Losing:
    """In a gate's place: of each request to the control plane and the blob store the first answer is kept from its sender."""

    def __init__(self, gate: Gate) -> None:
        self._forward = gate._forward
        self._known: set[tuple[str, ...]] = set()
        self.lost: list[str] = []

    def __call__(self, environ: dict[str, Any], task: str, path: str) -> Response:
        body = Request(environ).get_data()
        answer = self._forward(environ | {"wsgi.input": io.BytesIO(body)}, task, path)
        request = (task, environ["REQUEST_METHOD"], path, hashlib.sha256(body).hexdigest())
        if path == HEARTBEAT or path.startswith("/github/") or request in self._known:
            return answer
        self._known.add(request)
        self.lost.append(f"{environ['REQUEST_METHOD']} {'/'.join(path.split('/')[:3])}")
        return Response("lost on the way", 503)


def test_a_lost_answer_of_every_request_changes_nothing(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    calm, _ = play(matrix, {})
    losing = Losing(matrix.gate)
    monkeypatch.setattr(matrix.gate, "_forward", losing)
    place, _ = play(matrix, {})
    posts = {f"POST /v1/{name}" for name in ("claim", "begin", "blobs", "evidence", "finish")}
    assert posts | {"PUT /v1/steps"} <= set(losing.lost)
    assert any(each.startswith("PUT /blobs/") for each in losing.lost)
    assert end_of(place) == end_of(calm)
    assert len(steps_of(place)) == len(steps_of(calm))
    assert matrix.model.asked[place.full_name] == matrix.model.asked[calm.full_name]
    assert all(step.asking is None or step.asking.attempt == 1 for step in steps_of(place))
    assert [(lease.launch, lease.epoch) for lease in leases_of(place)] == [(1, 2)] * len(leases_of(calm))
