"""App JWTs and installation tokens: what is taken, what is refused."""

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.contract.github_simulator.stage import REPO, R


def test_app_id_and_client_id_are_both_issuers(stage):
    for issuer in (stage.app["client_id"], str(stage.app["id"])):
        answer = stage.client(stage.assertion(iss=issuer)).get("/app")
        assert (answer.status_code, answer.json()["slug"]) == (200, "persevere")


@pytest.mark.parametrize(
    ("claims", "status", "message"),
    [
        ({"exp": -3600}, 401, "'Expiration time' claim ('exp') must be a numeric value"),
        ({"exp": 3600}, 401, "'Expiration time' claim ('exp') is too far in the future"),
        ({"iat": 300}, 401, "'Issued at' claim ('iat')"),
        ({"iss": "12"}, 404, "Integration not found"),
    ],
    ids=["expired", "too long", "from the future", "unknown app"],
)
def test_claims_that_github_refuses(stage, claims, status, message):
    """Times are seconds from now."""
    claims = {name: stage.began + value if isinstance(value, int) else value for name, value in claims.items()}
    answer = stage.client(stage.assertion(**claims)).get("/app")
    assert answer.status_code == status
    assert message in answer.json()["message"]


def test_a_wrong_key_and_a_symmetric_signature_cannot_be_decoded(stage):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    claims = {"iss": stage.app["client_id"], "iat": stage.began - 60, "exp": stage.began + 300}
    for token in (jwt.encode(claims, other, algorithm="RS256"), jwt.encode(claims, "x" * 40, algorithm="HS256")):
        answer = stage.client(token).get("/app")
        assert answer.status_code == 401
        assert answer.json()["message"] == "A JSON web token could not be decoded"


def test_an_installation_token_is_long_dotted_and_lives_an_hour(stage):
    made = stage.mint(repositories=["octo-repo"], permissions={"issues": "write"})
    assert made.status_code == 201
    body = made.json()
    assert body["token"].startswith(f"ghs_{stage.app['id']}_")
    assert len(body["token"]) > 400
    assert body["token"].count(".") == 2
    assert body["permissions"] == {"issues": "write", "metadata": "read"}
    assert [one["full_name"] for one in body["repositories"]] == [REPO]
    client = stage.client(body["token"])
    assert client.get("/installation/repositories").json()["total_count"] == 1
    stage.st.advance(3601)
    assert client.get("/installation/repositories").status_code == 401


def test_tokens_for_what_is_not_granted_are_not_minted(stage):
    far = stage.mint(repositories=["elsewhere"])
    assert (far.status_code, far.json()["message"][:42]) == (422, "There is at least one repository that does")
    more = stage.mint(permissions={"workflows": "write"})
    assert (more.status_code, more.json()["message"]) == (
        422,
        "The permissions requested are not granted to this installation.",
    )


def test_a_revoked_token_is_dead(stage):
    client = stage.here()
    assert client.delete("/installation/token").status_code == 204
    answer = client.get(f"{R}/issues")
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_a_suspended_installation_mints_nothing_and_its_tokens_stop(stage):
    client = stage.here()
    stage.st.configure_installation(stage.installation["id"], suspended=True)
    assert stage.mint().status_code == 403
    assert client.get(R).status_code == 403
    stage.st.configure_installation(stage.installation["id"], suspended=False)
    assert client.get(R).status_code == 200


def test_a_jwt_opens_nothing_but_the_apps_own_doors(stage):
    assert stage.itself().get(f"{R}/installation").json()["id"] == stage.installation["id"]
    assert stage.itself().get(f"{R}/issues").status_code == 403
    assert stage.here().get("/app").status_code == 401


def test_private_repositories_outside_the_token_do_not_exist(stage):
    stage.st.repository("octo-org", "secret", files={"a": "1"}, private=True)
    client = stage.client(stage.token(repositories=["octo-repo"]))
    assert client.get("/repos/octo-org/secret").status_code == 404
    assert client.post("/repos/octo-org/secret/issues", json={"title": "x"}).status_code == 404


def test_a_public_repository_outside_the_token_can_be_read_not_written(stage):
    stage.st.repository("octo-org", "other", files={"a": "1"})
    client = stage.client(stage.token(repositories=["octo-repo"]))
    assert client.get("/repos/octo-org/other/issues").status_code == 200
    answer = client.post("/repos/octo-org/other/issues", json={"title": "x"})
    assert (answer.status_code, answer.json()["message"]) == (403, "Resource not accessible by integration")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/issues/1/comments", {"body": "x"}),
        ("POST", "/check-runs", {"name": "x", "head_sha": "0" * 40}),
        ("POST", "/git/blobs", {"content": "x"}),
        ("POST", "/pulls", {"title": "x", "head": "x", "base": "main"}),
    ],
)
def test_a_permission_outside_the_token_is_refused(stage, method, path, body):
    stage.octocat.open_issue(REPO, "one")
    answer = stage.here(metadata="read").request(method, R + path, json=body)
    assert (answer.status_code, answer.json()["message"]) == (403, "Resource not accessible by integration")


def test_private_reads_need_their_permission(stage):
    stage.st.configure(REPO, private=True)
    stage.octocat.open_issue(REPO, "one")
    assert stage.here(contents="read").get(f"{R}/issues/1").status_code == 403
    assert stage.here(issues="read").get(f"{R}/issues/1").status_code == 200
    assert stage.person(stage.hubot).get(R).status_code == 404
    assert stage.client().get(R).status_code == 404


def test_the_app_acts_as_its_bot(stage):
    stage.octocat.open_issue(REPO, "one")
    comment = stage.here().post(f"{R}/issues/1/comments", json={"body": "x"}).json()
    assert (comment["user"]["login"], comment["user"]["type"]) == ("persevere[bot]", "Bot")
    assert comment["performed_via_github_app"]["id"] == stage.app["id"]
    assert comment["user"]["id"] == stage.app["bot_id"] != stage.app["id"]
    assert stage.here().get("/users/persevere[bot]").json()["id"] == stage.app["bot_id"]


def test_requests_without_a_user_agent_are_forbidden(stage):
    assert stage.client().get(R, headers={"User-Agent": ""}).status_code == 403
