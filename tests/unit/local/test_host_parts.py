"""What stands between AWS and the handlers on one machine: events, pumps, the clock, the planner's thread."""

import json
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, EnvironBuilder
from werkzeug.wrappers import Request

import functions.world
import local.planner
import local.stream_pump
from local.blobs import FileBlobs
from local.clock import SystemClock
from local.clockwork import Clockwork
from local.function_url import event_of, response_of
from local.host import serve
from local.http_server import Application, Door, listen
from local.keyring import AppFile, Keyring
from local.lambda_context import LambdaContext
from local.planner import ThreadPlanner
from local.store import SqliteStore
from local.stream import Stream, rings_conductor
from local.stream_pump import StreamPump
from local.task_events import TaskEvents
from local.tasks import SubprocessTasks
from shared.domain.record import ABSENT, Key, Put, Record
from shared.errors import NotConfigured
from shared.settings import read
from tests.functions.job_api.house import make_world


def request(body: bytes = b"", **more: Any) -> Request:
    return EnvironBuilder(method="POST", path="/v1/claim", data=body, **more).get_request()


def until(holds: Any) -> None:
    end = time.monotonic() + 300
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)


def test_a_request_becomes_a_function_url_event() -> None:
    event = event_of(request(b'{"a": 1}', query_string="x=1&x=2&y=", headers={"X-GitHub-Event": "ping"}), b'{"a": 1}')
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/v1/claim", "x=1&x=2&y=")
    assert event["queryStringParameters"] == {"x": "1,2", "y": ""}
    assert event["headers"]["x-github-event"] == "ping"
    assert (event["body"], event["isBase64Encoded"]) == ('{"a": 1}', False)
    assert event["requestContext"]["http"]["method"] == "POST"


def test_a_body_that_is_no_text_comes_as_base64() -> None:
    event = event_of(request(b"\xff\x00"), b"\xff\x00")
    assert (event["body"], event["isBase64Encoded"]) == ("/wA=", True)


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        ({"statusCode": 404, "body": "no"}, 404, b"no"),
        ({"statusCode": 200, "body": "/wA=", "isBase64Encoded": True}, 200, b"\xff\x00"),
        ({"ok": True}, 200, b'{"ok": true}'),
        (None, 200, b"null"),
    ],
)
def test_an_answer_becomes_a_response(answer: Any, status: int, body: bytes) -> None:
    response = response_of(answer)
    assert (response.status_code, response.data) == (status, body)
    assert response.content_type == "application/json"


class Doors:
    """An application with one door that says what it was asked, and fails when told to."""

    def __init__(self, home: Path) -> None:
        self.application = Application()
        self.client = Client(self.application)
        self.blobs = FileBlobs(home, SystemClock(), "http://localhost/blobs", b"secret")

    def open(self) -> None:
        self.application.open([Door("job_api", "/v1", 10.0, self.handle)], self.blobs)

    def handle(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        if event["body"] == "fail":
            raise RuntimeError("a fault of ours")
        assert 0 < context.get_remaining_time_in_millis() <= 10_000
        return {"statusCode": 201, "headers": {"x-name": context.function_name}, "body": event["body"]}


def test_doors_answer_between_opening_and_closing(tmp_path: Path) -> None:
    doors = Doors(tmp_path)
    assert doors.client.post("/v1/claim").status_code == 503
    doors.open()
    answer = doors.client.post("/v1/claim", data="hi")
    assert (answer.status_code, answer.headers["x-name"], answer.text) == (201, "job_api", "hi")
    assert doors.client.post("/v1").status_code == 201
    assert doors.client.post("/v12").status_code == 404
    assert doors.client.post("/v1/claim", data="fail").status_code == 502
    assert doors.client.post("/v1/claim", data=b"x" * (6 * 1024 * 1024 + 1)).status_code == 413
    doors.application.close()
    assert doors.client.post("/v1/claim").status_code == 503


def test_a_granted_blob_goes_in_and_out(tmp_path: Path) -> None:
    doors = Doors(tmp_path)
    doors.open()
    key = doors.blobs.put("1/2", b"known")
    assert doors.client.get(doors.blobs.download(key)).data == b"known"
    assert doors.client.get(f"/blobs/{key}").status_code == 403
    assert doors.client.get("/blobs/keys/app.json").status_code == 403
    assert doors.client.delete(doors.blobs.download(key)).status_code == 405


def inbound(store: SqliteStore, number: int) -> None:
    store.commit(Put(Record(Key("ISSUE#1#1", f"INBOUND#{number}"), "inbound", {}), ABSENT))


def pumped(store: SqliteStore, handler: Any) -> StreamPump:
    return StreamPump(Stream(store, SystemClock(), "conductor", rings_conductor), handler, 10.0)


def keys_of(event: dict[str, Any]) -> list[str]:
    return [record["dynamodb"]["Keys"]["sk"]["S"] for record in event["Records"]]


def test_a_pump_rings_again_until_the_handler_takes_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local.stream_pump, "RETRY_PAUSES_S", (0.0, 0.0))
    store = SqliteStore(tmp_path / "db", SystemClock())
    heard: list[str] = []
    fails = iter([True, False, True, True, True, False])

    def handler(event: dict[str, Any], context: Any) -> None:
        heard.extend(keys_of(event))
        if next(fails):
            raise RuntimeError("not now")

    inbound(store, 1)
    pump = pumped(store, handler)
    pump.start()
    until(lambda: len(heard) == 2)
    inbound(store, 2)
    until(lambda: len(heard) == 5)
    inbound(store, 3)
    until(lambda: len(heard) == 6)
    pump.stop()
    assert pump.join(60)
    assert heard == ["INBOUND#1"] * 2 + ["INBOUND#2"] * 3 + ["INBOUND#3"]  # the second was passed over


def test_a_pump_that_left_in_the_middle_rings_for_that_batch_at_the_next_start(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db", SystemClock())
    inbound(store, 1)
    begun = threading.Event()

    def failing(event: dict[str, Any], context: Any) -> None:
        begun.set()
        raise RuntimeError("the machine goes down")

    pump = pumped(store, failing)
    pump.start()
    assert begun.wait(60)
    pump.stop()
    assert pump.join(60)
    heard: list[str] = []
    again = pumped(store, lambda event, context: heard.extend(keys_of(event)))
    again.start()
    until(lambda: heard)
    again.stop()
    assert again.join(60)
    assert heard == ["INBOUND#1"]


def test_the_clock_goes_on_after_a_tick_that_failed() -> None:
    ticks: list[dict[str, Any]] = []

    def handler(event: dict[str, Any], context: Any) -> None:
        ticks.append(event)
        raise RuntimeError("not now")

    clockwork = Clockwork(handler, lambda: 1_700_000_000_000, every_s=0.001)
    clockwork.start()
    until(lambda: len(ticks) >= 3)
    clockwork.stop()
    assert clockwork.join(60)
    assert (ticks[0]["source"], ticks[0]["time"]) == ("aws.events", "2023-11-14T22:13:20Z")


def test_a_planner_that_raises_is_tried_twice_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local.planner, "RETRY_PAUSES_S", (0.0, 0.0))
    calls: list[dict[str, Any]] = []

    def handler(event: dict[str, Any], context: Any) -> None:
        calls.append(event)
        if event["effect"] == "bad" or len(calls) == 1:
            raise RuntimeError("not now")

    planner = ThreadPlanner(lambda: handler)
    planner.start("ISSUE#1#1", "good")
    planner.join(60)
    assert calls == [{"issue": "ISSUE#1#1", "effect": "good"}] * 2
    planner.start("ISSUE#1#1", "bad")
    planner.join(60)
    assert len(calls) == 5


def test_keys_are_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert Keyring(home).key("ticket") == Keyring(home).key("ticket")
    assert Keyring(home).key("ticket") != Keyring(home).key("marker")
    Keyring(home).save_app(AppFile(1, "persevere", "secret", "pem", {"octocat": "token"}))
    assert Keyring(home).app().people == {"octocat": "token"}
    assert "secret" not in repr(Keyring(home).app())
    modes = {path.name: path.stat().st_mode & 0o777 for path in [home, *home.rglob("*")]}
    assert modes == {"home": 0o700, "keys": 0o700, "ticket": 0o600, "marker": 0o600, "app.json": 0o600}


def test_a_directory_that_others_could_read_is_closed(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    Keyring(tmp_path / "home")
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_a_directory_that_all_share_is_refused_and_stays_open_to_them(tmp_path: Path) -> None:
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    with pytest.raises(NotConfigured, match="shared by all") as refused:
        Keyring(shared)
    assert str(shared / "persevere") in refused.value.advice
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777


@pytest.mark.parametrize("content", ["{", "{}", "[]", '{"id": 1}'])
def test_a_damaged_app_is_said(tmp_path: Path, content: str) -> None:
    keyring = Keyring(tmp_path)
    with pytest.raises(NotConfigured, match="no GitHub App"):
        keyring.app()
    (tmp_path / "keys" / "app.json").write_text(content)
    with pytest.raises(NotConfigured, match="damaged"):
        keyring.app()


def test_a_damaged_key_is_said(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "ticket").write_bytes(b"")
    with pytest.raises(NotConfigured, match="damaged"):
        Keyring(tmp_path).key("ticket")


def test_an_event_can_be_sent_as_json() -> None:
    assert json.loads(json.dumps(event_of(request(b"x"), b"x")))["body"] == "x"


def test_the_end_of_a_task_is_told_until_somebody_knows_the_task(tmp_path: Path) -> None:
    tasks = SubprocessTasks(tmp_path, "http://127.0.0.1:1", SystemClock(), command=("false",))
    tasks.start("j1-1", "j1", "ticket")
    heard: list[dict[str, Any]] = []

    def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
        heard.append(event)
        if len(heard) == 1:
            raise RuntimeError("it is not known yet")
        return {"rung": 0, "known": int(len(heard) > 2)}

    events = TaskEvents(tasks, handler, SystemClock().now, 0.01)
    events.start()
    try:
        until(lambda: len(heard) >= 3)
    finally:
        events.stop()
        assert events.join(60)
    for _ in range(3):
        events.tick()
    assert len(heard) == 3
    detail = heard[0]["detail"]
    assert (detail["startedBy"], detail["taskArn"], detail["lastStatus"]) == ("j1", "j1-1", "STOPPED")
    assert detail["stoppedReason"] == "the machine ended: exit 1"


def test_a_host_that_was_stopped_tells_of_no_more_ends(tmp_path: Path) -> None:
    """Two tasks have ended; the host is told to leave while the end of the first is being told."""
    tasks = SubprocessTasks(tmp_path, "http://127.0.0.1:1", SystemClock(), command=("false",))
    for number in (1, 2):
        tasks.start(f"j{number}-1", f"j{number}", "ticket")
    until(lambda: len(tasks.ended()) == 2)
    heard: list[str] = []

    def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
        heard.append(event["detail"]["startedBy"])
        events.stop()
        return {"rung": 0, "known": 1}

    events = TaskEvents(tasks, handler, SystemClock().now, 0.01)
    events.start()
    assert events.join(60)
    events.tick()
    assert heard == ["j1"]


def test_a_clock_that_was_stopped_calls_nobody() -> None:
    ticks: list[dict[str, Any]] = []
    clockwork = Clockwork(lambda event, context: ticks.append(event), lambda: 0, every_s=0.001)
    clockwork.stop()
    clockwork.tick()
    clockwork.start()
    assert clockwork.join(60)
    assert ticks == []


def test_what_is_late_in_a_process_whose_host_has_left_builds_no_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be that of whatever home the environment names."""
    monkeypatch.setattr(functions.world, "_lent", False)
    monkeypatch.setattr(functions.world, "_door", None)
    monkeypatch.setenv("PERSEVERE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PERSEVERE_WORLD", raising=False)
    functions.world.use(make_world())
    functions.world.use(None)
    for late in (functions.world.world, functions.world.asking_world, functions.world.door, functions.world.mint):
        with pytest.raises(NotConfigured, match="has left"):
            late()
    assert not (tmp_path / "home").exists()


def test_a_port_that_is_taken_is_told_with_the_setting_to_change(tmp_path: Path) -> None:
    taken = listen(Application(), 0)
    try:
        settings = read({"PERSEVERE_HOME": str(tmp_path), "PERSEVERE_PORT": str(taken.server_port)})
        with pytest.raises(NotConfigured, match=f"port {taken.server_port} cannot be had") as refused:
            serve(settings, threading.Event())
        assert "PERSEVERE_PORT" in refused.value.advice
    finally:
        taken.server_close()
