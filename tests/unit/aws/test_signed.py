"""The door's own signature is the one that botocore makes, and what it writes is what the whole store reads."""

from __future__ import annotations

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as TheirCredentials

from shared.aws.signed import Credentials, sign


@pytest.mark.parametrize("token", ["", "a session's token=="])
@pytest.mark.parametrize("body", [b"{}", '{"text": "\u00e9 \U0001f600"}'.encode()])
@pytest.mark.parametrize(("service", "region"), [("dynamodb", "us-east-1"), ("secretsmanager", "eu-central-1")])
def test_a_call_is_signed_as_botocore_signs_it(service: str, region: str, body: bytes, token: str) -> None:
    host = f"{service}.{region}.amazonaws.com"
    headers = {"content-type": "application/x-amz-json-1.0", "host": host, "x-amz-target": "Service.Operation"}
    theirs = AWSRequest("POST", f"https://{host}/", {k: v for k, v in headers.items() if k != "host"}, body)
    SigV4Auth(TheirCredentials("AKID", "secret/key+", token or None), service, region).add_auth(theirs)
    ours = sign(headers, body, service, region, Credentials("AKID", "secret/key+", token), theirs.headers["X-Amz-Date"])
    assert ours["authorization"] == theirs.headers["Authorization"]


def test_credentials_do_not_print_their_secrets() -> None:
    shown = repr(Credentials("AKID", "very secret", "token of a session"))
    assert "very secret" not in shown
    assert "token of a session" not in shown
