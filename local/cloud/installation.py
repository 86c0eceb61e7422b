"""One installation in one account and region, looked at with the operator's own credentials."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    LoginError,
    SSOError,
    TokenRetrievalError,
)

from shared.errors import Final, NotConfigured

OUTPUTS = (
    "WebhookUrl JobApiUrl TableName BucketName ClusterName TaskDefinitionArn "
    "AppSecretArn WebhookSecretArn KeysSecretArn ModelSecretArn"
).split()
STACK = "Persevere"
_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})


class AwsRefused(Final):
    """AWS answered no, or nothing; `code` is its word."""

    def __init__(self, message: str, advice: str, code: str = "") -> None:
        super().__init__(message, advice)
        self.code = code


@dataclass
class Installation:
    """Asked when first wanted, and once. `endpoint` is an emulator's address."""

    stack: str = STACK
    region: str = ""
    endpoint: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def session(self) -> Any:
        return boto3.Session(region_name=self.region or None)

    @property
    def where(self) -> str:
        """The region, as AWS's own command chooses it; boto3 knows the older name alone. Raises NotConfigured for none."""
        found = self.region or self.environment.get("AWS_REGION") or self.session.region_name
        if not found:
            raise NotConfigured("no AWS region is chosen", "set AWS_REGION, for example to eu-central-1")
        return str(found)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.session.client(
                service, region_name=self.where, endpoint_url=self.endpoint, config=_CONFIG
            )
        return self._clients[service]

    def ask(self, service: str, operation: str, **about: Any) -> dict[str, Any]:
        """One call. Raises AwsRefused with what to do."""
        try:
            answer: dict[str, Any] = getattr(self.client(service), operation)(**about)
        except ClientError as error:
            code = str(error.response["Error"].get("Code"))
            words = str(error.response["Error"].get("Message", ""))[:200]
            raise AwsRefused(f"{service} {operation}: {code}: {words}", self._advice(code, _LOOK), code) from error
        except BotoCoreError as error:
            name, advice = type(error).__name__, _SIGN_IN if isinstance(error, _SESSIONS) else _NETWORK
            words = str(error)[:200] if name in _TELLING else ""
            raise AwsRefused(f"{service} {operation}: {words or name}", self._advice(name, advice), name) from error
        return answer

    def _advice(self, code: str, otherwise: str) -> str:
        return _ADVICE.get(code, otherwise).format(region=self.region or self.environment.get("AWS_REGION") or "yours")

    @cached_property
    def account(self) -> str:
        return str(self.ask("sts", "get_caller_identity")["Account"])

    @cached_property
    def description(self) -> Mapping[str, Any]:
        """The stack. Raises AwsRefused where there is none."""
        try:
            found: Mapping[str, Any] = self.ask("cloudformation", "describe_stacks", StackName=self.stack)["Stacks"][0]
        except AwsRefused as error:
            if error.code != "ValidationError":
                raise
            raise AwsRefused(f"there is no stack {self.stack} in {self.where}", _ELSEWHERE, error.code) from error
        return found

    @property
    def template(self) -> Mapping[str, Any] | None:
        """The template that stands there now; None when there is none. Raises AwsRefused."""
        try:
            body = self.ask("cloudformation", "get_template", StackName=self.stack)["TemplateBody"]
        except AwsRefused as error:
            if error.code == "ValidationError":
                return None
            raise
        found: Mapping[str, Any] | None = json.loads(body or "null") if isinstance(body, str) else body
        return found

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        return {each["OutputKey"]: each["OutputValue"] for each in self.description.get("Outputs") or ()}

    def output(self, name: str) -> str:
        """Raises AwsRefused where the stack says no such thing."""
        if name not in self.outputs:
            raise AwsRefused(f"the stack {self.stack} does not say {name}", "persevere deploy")
        return self.outputs[name]

    def secret(self, output: str) -> Any:
        """A secret's JSON. Raises AwsRefused, also where none was ever set; ValueError for no JSON."""
        answer = self.ask("secretsmanager", "get_secret_value", SecretId=self.output(output))
        if not answer.get("SecretString"):  # an emulator's word for what AWS refuses
            raise AwsRefused(f"the secret {output} has no value", "persevere init --aws", "ResourceNotFoundException")
        return json.loads(answer["SecretString"])

    def store_secret(self, output: str, value: Any) -> None:
        self.ask("secretsmanager", "put_secret_value", SecretId=self.output(output), SecretString=json.dumps(value))

    def function(self, name: str) -> Mapping[str, Any]:
        """A function's configuration."""
        return self.ask("lambda", "get_function_configuration", FunctionName=f"{self.stack}-{name}")


_LOOK = "look at the rights of your own AWS credentials, then: persevere doctor --aws"
_NETWORK = "look at the network, AWS_REGION and the proxy variables"
_SIGN_IN = "your AWS session has ended: sign in again (`aws sso login`)"
_ELSEWHERE = "persevere deploy makes it; one that is elsewhere: --stack, --region, AWS_PROFILE"
_SESSIONS = (SSOError, LoginError, TokenRetrievalError, CredentialRetrievalError)
_TELLING = ("ProfileNotFound", "EndpointConnectionError", "InvalidRegionError")
"""Whose own words name what is wrong."""
_CLOCK = "AWS's clock and this machine's differ: set this one's clock"
_ADVICE = {
    "NoCredentialsError": "sign in: `aws configure sso`, or set AWS_PROFILE",
    "PartialCredentialsError": "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "ProfileNotFound": "set AWS_PROFILE to one that `aws configure list-profiles` shows",
    "EndpointConnectionError": "is {region} a region of AWS? Else look at the network and the proxy variables",
    "InvalidRegionError": "set AWS_REGION to a region, for example eu-central-1",
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "InvalidClientTokenId": "AWS does not know these credentials: look at AWS_PROFILE, and whether the region {region} is "
    "switched on for the account",
    "UnrecognizedClientException": "AWS does not know these credentials: look at AWS_PROFILE, and whether the region "
    "{region} is switched on for the account",
    "RequestExpired": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "ValidationError": "persevere deploy",
    "ResourceNotFoundException": "persevere deploy",
    "NoSuchBucket": "persevere deploy",
}
