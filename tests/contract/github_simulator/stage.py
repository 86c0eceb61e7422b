"""What the tests act with: people, an App with its clients, and an address for webhooks."""

import hashlib
import hmac
import json
import threading
import time
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.github.steering import Steering


@cache
def private_key() -> str:
    """One key for the whole run: making them takes longer than a test."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


@cache
def _loaded(pem: str) -> Any:
    """The key object: reading a PEM takes longer than signing with it."""
    return serialization.load_pem_private_key(pem.encode(), password=None)


REPO = "octo-org/octo-repo"
R = f"/repos/{REPO}"
WRITE = {"contents": "write", "issues": "write", "pull_requests": "write", "checks": "write"}


@dataclass(frozen=True)
class Received:
    headers: dict[str, str]
    raw: bytes

    @property
    def event(self) -> str:
        return self.headers["x-github-event"]

    @property
    def payload(self) -> dict[str, Any]:
        return json.loads(self.raw)

    @property
    def name(self) -> str:
        action = self.payload.get("action")
        return f"{self.event}.{action}" if action else self.event


class Hook:
    """Takes webhooks; answers with `status`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 202
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                raw = self.rfile.read(int(self.headers["content-length"]))
                outer.received.append(Received({k.lower(): v for k, v in self.headers.items()}, raw))
                self.send_response(outer.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Stage:
    def __init__(self, url: str, hook: Hook) -> None:
        self.url = url
        self.st = Steering(url)
        self.st.reset()
        assert self.st.quiet(wait=30), "what the test before has sent is still on its way to the hook"
        self.began = int(time.time())
        self.st.hold_clock(self.began)
        hook.received, hook.status = [], 202
        self.hook = hook
        self.octocat = self.st.person("octocat")
        self.hubot = self.st.person("hubot")
        self.st.organization("octo-org")
        self.repository = self.st.repository(
            "octo-org",
            "octo-repo",
            files={"README.md": "# Octo\n", "src/a.py": "x = 1\n", "run.sh": {"text": "true\n", "mode": "100755"}},
            roles={"octocat": "admin"},
        )
        self.app = self.st.app("persevere", owner="octocat", hook_url=hook.url, pem=private_key())
        self.installation = self.st.install("persevere", "octo-org")
        self._clients: list[httpx.Client] = []

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def assertion(self, **claims: Any) -> str:
        """An App JWT; claims replace the right ones."""
        right = {"iss": self.app["client_id"], "iat": self.began - 60, "exp": self.began + 540}
        return jwt.encode({**right, **claims}, _loaded(self.app["pem"]), algorithm="RS256")

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        made = httpx.Client(base_url=self.url, headers=headers, timeout=60, verify=False)
        self._clients.append(made)
        return made

    def itself(self) -> httpx.Client:
        """The App with its JWT."""
        return self.client(self.assertion())

    def mint(self, **body: Any) -> httpx.Response:
        return self.itself().post(f"/app/installations/{self.installation['id']}/access_tokens", json=body)

    def token(self, **body: Any) -> str:
        return self.mint(**body).json()["token"]

    def here(self, **permissions: str) -> httpx.Client:
        """The App with an installation token of these permissions (all that it writes, unless given)."""
        return self.client(self.token(permissions=permissions or WRITE))

    def person(self, who: Any) -> httpx.Client:
        return self.client(who.token)

    def head(self, branch: str = "main") -> str:
        return self.octocat.get(f"{R}/git/ref/heads/{branch}")["object"]["sha"]

    def commit(
        self, client: httpx.Client, files: dict[str, str], parent: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """A commit object of these files on top of `parent` (main unless given), on no branch."""
        parent = parent or self.head()
        base = client.get(f"{R}/git/commits/{parent}").json()["tree"]["sha"]
        entries = [{"path": p, "mode": "100644", "type": "blob", "content": text} for p, text in files.items()]
        tree = client.post(f"{R}/git/trees", json={"base_tree": base, "tree": entries})
        assert tree.status_code == 201, tree.text
        body = {"message": "Change", "tree": tree.json()["sha"], "parents": [parent], **more}
        made = client.post(f"{R}/git/commits", json=body)
        assert made.status_code == 201, made.text
        return made.json()

    def branch(self, client: httpx.Client, name: str, files: dict[str, str]) -> str:
        """A new branch with one commit; its sha."""
        sha = self.commit(client, files)["sha"]
        answer = client.post(f"{R}/git/refs", json={"ref": f"refs/heads/{name}", "sha": sha})
        assert answer.status_code == 201, answer.text
        return sha

    def pull(self, client: httpx.Client, branch: str = "work", **more: Any) -> dict[str, Any]:
        self.branch(client, branch, {f"{branch}.txt": "work\n"})
        answer = client.post(f"{R}/pulls", json={"title": "Work", "head": branch, "base": "main", **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def graphql(self, client: httpx.Client, query: str, **variables: Any) -> dict[str, Any]:
        answer = client.post("/graphql", json={"query": query, "variables": variables})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def events(self) -> list[str]:
        """What the hook got, in order."""
        assert self.st.quiet(wait=45)
        return [one.name for one in self.hook.received]

    def last(self, name: str) -> Received:
        assert self.st.quiet(wait=45)
        return [one for one in self.hook.received if one.name == name][-1]

    def signed(self, one: Received) -> bool:
        mac = hmac.new(self.app["webhook_secret"].encode(), one.raw, hashlib.sha256).hexdigest()
        return hmac.compare_digest(f"sha256={mac}", one.headers["x-hub-signature-256"])


def errors_of(answer: httpx.Response) -> list[str]:
    """The messages of a 422's `errors`."""
    return [
        str(one.get("message", one.get("code"))) if isinstance(one, dict) else one for one in answer.json()["errors"]
    ]
