"""git over HTTP on the same bare repositories, through `git http-backend`."""

import re
import subprocess

from werkzeug.wrappers import Request, Response

from local.github import access, faults, git
from local.github.call import Call
from local.github.refs import moved
from local.github.refusals import Refusal
from local.github.state import Repository, World


def serve(world: World, request: Request) -> Response:
    """Clone, fetch and push at `/{owner}/{name}.git/…`. Basic auth with any user name and a token as the password."""
    body = request.get_data(cache=True)
    match = re.fullmatch(r"/([^/]+)/([^/]+)\.git(/.*)", request.path)
    assert match is not None
    service = request.args.get("service") or match[3].strip("/")
    pushes = service == "git-receive-pack"
    call = Call(world, request, access.Anonymous(), request.path)
    try:
        with world.lock:
            call.actor = access.identify(world, request.headers.get("Authorization"))
            fault = faults.take(call)
        if fault is not None:
            faults.before(call, fault)
        with world.lock:
            repository = _allowed(world, call, match[1], match[2], pushes=pushes)
    except Refusal as refusal:
        return _refuse(refusal)
    inside = f"/{repository.path.name}{match[3]}"
    if not (pushes and request.method == "POST"):
        return _backend(world, call, inside, body)
    with world.lock:
        before = {name: sha for name, _, sha in git.refs(repository.path, "refs/")}
        response = _backend(world, call, inside, body, repository)
        after = {name: sha for name, _, sha in git.refs(repository.path, "refs/")}
        _follow(world, call, repository, before, after)
    return response


def _allowed(world: World, call: Call, owner: str, name: str, *, pushes: bool) -> Repository:
    repository = world.repository(owner, name)
    need, role = ("contents:write", "write") if pushes else ("contents:read", "read")
    if repository is None or not access.may_see(call.actor, repository):
        raise Refusal(401 if isinstance(call.actor, access.Anonymous) else 404, "Repository not found.")
    try:
        access.authorize(call.actor, repository, need, role)
    except Refusal as refusal:
        if refusal.status == 401:
            raise Refusal(401, "Authentication required") from refusal
        what = f"Permission to {repository.full_name}.git denied to {call.actor.name}."
        raise Refusal(403, what if pushes else "Write access to repository not granted.") from refusal
    if pushes and repository.archived:
        raise Refusal(403, "This repository was archived so it is read-only.")
    return repository


def _refuse(refusal: Refusal) -> Response:
    headers = {"WWW-Authenticate": 'Basic realm="GitHub"'} if refusal.status == 401 else {}
    return Response(refusal.message + "\n", refusal.status, headers, content_type="text/plain")


def _backend(world: World, call: Call, inside: str, body: bytes, pushed: Repository | None = None) -> Response:
    request = call.request
    extra = {
        "GIT_PROJECT_ROOT": str(world.home),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": inside,
        "QUERY_STRING": request.query_string.decode(),
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_USER": call.actor.name,
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }
    by_app = pushed is not None and isinstance(call.actor, access.AppHere)
    if by_app and pushed is not None and not access.has_permission(call.actor, pushed, "workflows:write"):
        extra["SIM_WORKFLOWS"] = "refuse"
    done = subprocess.run(
        ["git", "http-backend"], input=body, env=git.environment(extra), capture_output=True, check=False
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    if done.returncode != 0 and not head:
        return Response(done.stderr, 500, content_type="text/plain")
    response = Response(content)
    response.headers.pop("Content-Type")
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(": ")
        if name.lower() == "status":
            response.status = value
        elif name:
            response.headers[name] = value
    return response


def _follow(world: World, call: Call, repository: Repository, before: dict[str, str], after: dict[str, str]) -> None:
    names = sorted(set(before) | set(after))
    changes = [(name, before.get(name, git.ZERO), after.get(name, git.ZERO)) for name in names]
    changes = [change for change in changes if change[1] != change[2]]
    if not changes:
        return
    for name, _, sha in changes:
        world.log.append({
            "n": len(world.log) + 1, "at": world.now(), "actor": call.actor.name,
            "app": isinstance(call.actor, access.AppHere), "method": "PUSH", "path": call.path, "kind": "ref",
            "id": name, "repository": repository.full_name, "notifying": False, "notified": [], "what": "pushed",
            "sha": sha,
        })  # fmt: skip
    moved(world, repository, call.account, changes)
