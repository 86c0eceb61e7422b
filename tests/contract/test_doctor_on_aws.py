"""`persevere doctor --aws` against an installation on the emulator that is broken in one way: named, with its fix.

The emulator has no Service Quotas and its Function URLs resolve nowhere: the first are answered here, the second is asked
by Host. GitHub's part has tests of its own (`local/doctor/github.py`).
"""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Callable, Collection, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from local.cloud.installation import OUTPUTS, AwsRefused, Installation
from local.doctor.aws import FUNCTIONS
from local.doctor.aws_context import CloudContext
from local.doctor.finding import Finding
from local.doctor.run import cloud_checks, examine
from tests.contract.store_openings import create_table
from tests.emulator import REGION

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n"
RIGHTS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": "*"},
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"},
    ],
}
DOOR = """
import hashlib, hmac, json, os
def handler(event, context):
    status = int(os.environ.get("STATUS", 0))
    if "x-hub-signature-256" not in event["headers"]:
        return {"statusCode": status or 404, "body": json.dumps({"code": "not_found"})}
    wanted = "sha256=" + hmac.new(os.environ["SECRET"].encode(), event["body"].encode(), hashlib.sha256).hexdigest()
    good = event["headers"].get("x-hub-signature-256") == wanted
    return {"statusCode": status or 202 if good else 401, "body": "{}"}
"""

PATIENT = {"Delay": 0.1, "MaxAttempts": 3_000}


@cache
def client_of(url: str, service: str) -> Any:
    return boto3.client(service, region_name=REGION, endpoint_url=url)


class Place:
    """A healthy installation, made of the parts that the checks look at, and everything that can be broken in it."""

    def __init__(self, url: str, number: int) -> None:
        self.url, self.stack = url, f"P{number}"
        self.outputs: dict[str, str] = {}
        self._secrets()
        self._table_and_bucket()
        self._cluster()
        self._functions()
        self._stack()

    def client(self, service: str) -> Any:
        return client_of(self.url, service)

    def secret(self, output: str, value: Any) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        self.client("secretsmanager").put_secret_value(SecretId=self.outputs[output], SecretString=text)

    def told(self, **changes: str) -> None:
        client, name = self.client("lambda"), f"{self.stack}-job_api"
        now = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        client.update_function_configuration(FunctionName=name, Environment={"Variables": now | changes})

    def examine(self, names: Collection[str]) -> dict[str, list[Finding]]:
        context = CloudContext.of({}, Installation(self.stack, REGION, self.url, {}))
        checks = [each for each in cloud_checks() if each.name in names]
        found: dict[str, list[Finding]] = {}
        for name, each in examine(context, checks):
            found.setdefault(name, []).append(each)
        return found

    def _secrets(self) -> None:
        client = self.client("secretsmanager")
        values = {
            "AppSecretArn": {"id": 7, "slug": "persevere", "private_key": PEM},
            "WebhookSecretArn": ["s" * 40],
            "KeysSecretArn": {name: ["k" * 43] for name in ("ticket", "marker", "blob")},
            "ModelSecretArn": {"anthropic": "a key"},
        }
        for name, value in values.items():
            made = client.create_secret(Name=f"{self.stack}-{name}", SecretString=json.dumps(value))
            self.outputs[name] = made["ARN"]

    def _table_and_bucket(self) -> None:
        dynamodb, table = self.client("dynamodb"), f"{self.stack}-table"
        create_table(dynamodb, table, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
        dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        dynamodb.update_time_to_live(
            TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
        )
        bucket, s3 = f"{self.stack.lower()}-blobs", self.client("s3")
        s3.create_bucket(Bucket=bucket)
        blocked = dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        )
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocked)
        self.outputs |= {"TableName": table, "BucketName": bucket}

    def define(self, **more: Any) -> str:
        container = {"name": "runner", "image": f"registry.invalid/runner@sha256:{'0' * 64}", "essential": True}
        wanted: dict[str, Any] = {"family": f"{self.stack}-runner", "cpu": "2048", "memory": "4096"}
        made = self.client("ecs").register_task_definition(
            **wanted | {"containerDefinitions": [container | more.pop("container", {})]} | more
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def _cluster(self) -> None:
        self.client("ecs").create_cluster(
            clusterName=f"{self.stack}-cluster", capacityProviders=["FARGATE", "FARGATE_SPOT"]
        )
        self.outputs |= {"ClusterName": f"{self.stack}-cluster", "TaskDefinitionArn": self.define()}

    def _functions(self) -> None:
        client = self.client("lambda")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("door.py", DOOR)
        told = {"PERSEVERE_MODEL": "anthropic:claude-sonnet-5-5", "PERSEVERE_APP_ID": "7", "SECRET": "s" * 40}
        for name in FUNCTIONS:
            client.create_function(
                FunctionName=f"{self.stack}-{name}",
                Runtime="python3.13",
                Handler="door.handler",
                Role="arn:aws:iam::000000000000:role/none",
                Code={"ZipFile": packed.getvalue()},
                Environment={"Variables": told},
            )
        for name in FUNCTIONS:  # one that is just being made is a finding, and rightly
            client.get_waiter("function_active_v2").wait(FunctionName=f"{self.stack}-{name}", WaiterConfig=PATIENT)
        for output, name in (("WebhookUrl", "github_webhook"), ("JobApiUrl", "job_api")):
            made = client.create_function_url_config(FunctionName=f"{self.stack}-{name}", AuthType="NONE")
            self.outputs[output] = made["FunctionUrl"]
        stream = self.client("dynamodb").describe_table(TableName=self.outputs["TableName"])["Table"]["LatestStreamArn"]
        for name in ("conductor", "effects"):
            client.create_event_source_mapping(
                FunctionName=f"{self.stack}-{name}", EventSourceArn=stream, StartingPosition="LATEST", Enabled=True
            )
        events = self.client("events")
        target = [
            {
                "Id": "1",
                "Arn": client.get_function(FunctionName=f"{self.stack}-watchdog")["Configuration"]["FunctionArn"],
            }
        ]
        events.put_rule(Name=f"{self.stack}-minute", ScheduleExpression="rate(30 minutes)")
        events.put_targets(Rule=f"{self.stack}-minute", Targets=target)
        events.put_rule(Name=f"{self.stack}-tasks", EventPattern=json.dumps({"source": ["aws.ecs"]}))
        events.put_targets(Rule=f"{self.stack}-tasks", Targets=target)

    def _stack(self, **outputs: str) -> None:
        told = {name: {"Value": value} for name, value in self.outputs.items()}
        role = {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": f"{self.stack}-conductor-role",
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                "Policies": [{"PolicyName": "rights", "PolicyDocument": RIGHTS}],
            },
        }
        body = {"Resources": {"Role": role}, "Outputs": told}
        client = self.client("cloudformation")
        client.create_stack(StackName=self.stack, TemplateBody=json.dumps(body))
        client.get_waiter("stack_create_complete").wait(StackName=self.stack, WaiterConfig=PATIENT)

    def says(self, **outputs: str | None) -> None:
        """The stack says something else of these outputs; None: nothing."""
        for name, value in outputs.items():
            self.outputs.pop(name)
            if value is not None:
                self.outputs[name] = value
        client = self.client("cloudformation")
        client.delete_stack(StackName=self.stack)
        client.get_waiter("stack_delete_complete").wait(StackName=self.stack, WaiterConfig=PATIENT)
        self._stack()


CHECKED = frozenset(
    "credentials,stack,settings,IAM,functions,stream,clock rule,table,bucket,cluster,task,app secret,hook secret,keys,model,door,runners' door".split(
        ","
    )
)
_numbers = iter(range(1_000))


@pytest.fixture
def place(running_emulator: str) -> Place:
    return Place(running_emulator, next(_numbers))


def test_a_healthy_installation_has_no_finding(place: Place) -> None:
    found = place.examine(CHECKED)
    assert set(found) == CHECKED
    assert [each for rows in found.values() for each in rows if each.level != "ok"] == []


def no_stack(place: Place) -> None:
    place.client("cloudformation").delete_stack(StackName=place.stack)


def stream_off(place: Place) -> None:
    client = place.client("lambda")
    (mapping,) = client.list_event_source_mappings(FunctionName=f"{place.stack}-effects")["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def no_mapping(place: Place) -> None:
    client = place.client("lambda")
    (mapping,) = client.list_event_source_mappings(FunctionName=f"{place.stack}-conductor")["EventSourceMappings"]
    client.delete_event_source_mapping(UUID=mapping["UUID"])


def no_targets(place: Place) -> None:
    events = place.client("events")
    for rule in ("minute", "tasks"):
        events.remove_targets(Rule=f"{place.stack}-{rule}", Ids=["1"])


def no_backups(place: Place) -> None:
    place.client("dynamodb").update_continuous_backups(
        TableName=place.outputs["TableName"], PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )


def role_for_tasks(place: Place) -> None:
    place.says(TaskDefinitionArn=place.define(taskRoleArn="arn:aws:iam::000000000000:role/too-much"))


def capacity_taken(place: Place) -> None:
    place.client("ecs").put_cluster_capacity_providers(
        cluster=place.outputs["ClusterName"], capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=[]
    )


def loose_image(place: Place) -> None:
    place.says(TaskDefinitionArn=place.define(container={"image": "registry.invalid/runner:latest"}))


def right_taken(place: Place) -> None:
    less = {"Version": "2012-10-17", "Statement": RIGHTS["Statement"][:1]}
    place.client("iam").put_role_policy(
        RoleName=f"{place.stack}-conductor-role", PolicyName="rights", PolicyDocument=json.dumps(less)
    )


def right_given(place: Place) -> None:
    place.client("iam").attach_role_policy(
        RoleName=f"{place.stack}-conductor-role", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )


def image_gone(place: Place) -> None:
    place.client("ecr").create_repository(repositoryName=f"{place.stack.lower()}/runner")
    image = f"000000000000.dkr.ecr.{REGION}.amazonaws.com/{place.stack.lower()}/runner@sha256:{'1' * 64}"
    place.says(TaskDefinitionArn=place.define(container={"image": image}))


BROKEN: list[Any] = [
    pytest.param(right_taken, "IAM", "conductor-role lacks sqs:SendMessage", "--mend", id="a right is taken away"),
    pytest.param(right_given, "IAM", "more than the template says: Admin", "--mend", id="a role may do everything"),
    pytest.param(image_gone, "task", "is not in the registry", "--mend", id="the image is gone from the registry"),
    pytest.param(
        lambda p: p.told(PERSEVERE_QUIET_S="soon"),
        "settings",
        "PERSEVERE_QUIET_S is 'soon'",
        "choices.toml",
        id="a setting that is none",
    ),
    pytest.param(
        lambda p: p.told(PERSEVERE_DAYY="5"),
        "settings",
        "PERSEVERE_DAYY is no setting",
        "write PERSEVERE_DAY,",
        id="a setting that nobody reads",
    ),
    pytest.param(no_stack, "stack", "there is no stack", "persevere deploy", id="no stack"),
    pytest.param(
        lambda p: p.says(JobApiUrl=None), "stack", "does not say JobApiUrl", "persevere deploy", id="an older stack"
    ),
    pytest.param(
        lambda p: p.client("lambda").delete_function(FunctionName=f"{p.stack}-planner"),
        "functions",
        "planner is not there",
        "persevere deploy",
        id="a function is gone",
    ),
    pytest.param(
        stream_off, "stream", "effects does not listen", "update-event-source-mapping", id="a consumer is off"
    ),
    pytest.param(no_mapping, "stream", "conductor does not listen", "persevere deploy", id="a consumer is gone"),
    pytest.param(
        lambda p: p.client("events").disable_rule(Name=f"{p.stack}-minute"),
        "clock rule",
        "switched off",
        "aws events enable-rule",
        id="the minute rule is off",
    ),
    pytest.param(no_targets, "clock rule", "nothing wakes", "persevere deploy", id="nothing wakes the watchdog"),
    pytest.param(
        lambda p: p.client("dynamodb").delete_table(TableName=p.outputs["TableName"]),
        "table",
        "is gone",
        "docs/operations.md",
        id="the table is gone",
    ),
    pytest.param(no_backups, "table", "no restore points", "persevere deploy", id="no restore points"),
    pytest.param(
        lambda p: p.client("s3").delete_public_access_block(Bucket=p.outputs["BucketName"]),
        "bucket",
        "made public",
        "persevere deploy",
        id="the bucket may be public",
    ),
    pytest.param(
        lambda p: p.client("s3").delete_bucket(Bucket=p.outputs["BucketName"]),
        "bucket",
        "is gone",
        "persevere deploy",
        id="the bucket is gone",
    ),
    pytest.param(
        lambda p: p.client("ecs").delete_cluster(cluster=p.outputs["ClusterName"]),
        "cluster",
        "is gone",
        "persevere deploy",
        id="the cluster is gone",
    ),
    pytest.param(capacity_taken, "cluster", "takes no FARGATE_SPOT", "--mend", id="the cluster lost its capacity"),
    pytest.param(role_for_tasks, "task", "tasks have a role", "persevere deploy", id="a task has a role"),
    pytest.param(loose_image, "task", "tag that can be moved", "digest:", id="the image is not pinned"),
    pytest.param(
        lambda p: p.secret("AppSecretArn", "no json"),
        "app secret",
        "no JSON",
        "init --aws",
        id="the App's secret is no JSON",
    ),
    pytest.param(
        lambda p: p.secret("AppSecretArn", {"id": 7}), "app secret", "no private key", "init --aws", id="no private key"
    ),
    pytest.param(
        lambda p: p.told(PERSEVERE_APP_ID="8"),
        "app secret",
        "work for App 8",
        "app_id = 7",
        id="the key of another App",
    ),
    pytest.param(
        lambda p: p.told(PERSEVERE_APP_ID="0"), "app secret", "do not know", "app_id = 7", id="functions without an App"
    ),
    pytest.param(
        lambda p: p.secret("WebhookSecretArn", '"one"'),
        "hook secret",
        "no JSON list",
        "--webhook",
        id="one secret, no list",
    ),
    pytest.param(
        lambda p: p.secret("KeysSecretArn", {"ticket": ["k" * 43]}),
        "keys",
        "no list of marker",
        "--keys",
        id="no marker key",
    ),
    pytest.param(
        lambda p: p.secret("KeysSecretArn", {"ticket": ["short"], "marker": ["k" * 43]}),
        "keys",
        "shorter than 32",
        "Rotate",
        id="a short key",
    ),
    pytest.param(lambda p: p.told(PERSEVERE_MODEL=""), "model", "no model is chosen", "choices.toml", id="no model"),
    pytest.param(
        lambda p: p.told(PERSEVERE_MODEL="anthropic:claude-0"), "model", "claude-0", "known price", id="no price"
    ),
    pytest.param(
        lambda p: p.secret("ModelSecretArn", {"openai": "x"}), "model", "no key for anthropic", "--models", id="no key"
    ),
    pytest.param(
        lambda p: p.secret("WebhookSecretArn", ["t" * 40]),
        "door",
        "another secret",
        "5 minutes",
        id="the door has another secret",
    ),
    pytest.param(
        lambda p: p.client("lambda").update_function_configuration(
            FunctionName=f"{p.stack}-github_webhook", Environment={"Variables": {"SECRET": "s" * 40, "STATUS": "500"}}
        ),
        "door",
        "answers 500",
        "aws logs tail",
        id="the door fails",
    ),
    pytest.param(
        lambda p: p.client("lambda").update_function_configuration(
            FunctionName=f"{p.stack}-github_webhook", Environment={"Variables": {"SECRET": "s" * 40, "STATUS": "403"}}
        ),
        "door",
        "AWS itself refuses calls",
        "--mend",
        id="nobody may call the door",
    ),
    pytest.param(
        lambda p: p.told(STATUS="403"),
        "runners' door",
        "AWS itself refuses calls",
        "--mend",
        id="nobody may call the runners' door",
    ),
    pytest.param(
        lambda p: p.told(STATUS="503"),
        "runners' door",
        "answers 503",
        "-job_api",
        id="the runners' door fails",
    ),
]


@pytest.mark.parametrize(("break_it", "check", "what", "fix"), BROKEN)
def test_a_broken_installation_is_named_with_its_fix(
    place: Place, break_it: Callable[[Place], object], check: str, what: str, fix: str
) -> None:
    break_it(place)
    wrong = [each for each in place.examine([check]).get(check, []) if each.level != "ok"]
    assert any(what in each.what and fix in each.fix for each in wrong), wrong


class Key(BaseHTTPRequestHandler):
    """A provider that takes one key and has one model."""

    def do_GET(self) -> None:
        good = self.headers.get("x-api-key") == "a key"
        self.send_response(200 if good else 401)
        self.end_headers()
        self.wfile.write(b'{"data": [{"id": "claude-sonnet-5-5"}]}' if good else b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def provider() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Key)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_providers_key_is_tried_and_one_that_is_refused_is_named(place: Place, provider: str) -> None:
    place.told(PERSEVERE_ANTHROPIC_BASE_URL=provider)
    (taken,) = place.examine(["model key"])["model key"]
    assert (taken.level, "takes the key and has claude-sonnet-5-5" in taken.what) == ("ok", True)
    place.secret("ModelSecretArn", {"anthropic": "an old key"})
    (refused,) = place.examine(["model key"])["model key"]
    assert (refused.level, "refuses the key (401)" in refused.what) == ("FAIL", True)
    assert "init --aws --models" in refused.fix
    assert "an old key" not in refused.what + refused.fix


class Small(Installation):
    """An account's quotas, which the emulator has none of."""

    def ask(self, service: str, operation: str, **about: Any) -> dict[str, Any]:
        match service, operation:
            case "service-quotas", "get_service_quota":
                return {"Quota": {"Value": 1.0 if about["QuotaCode"] == "L-36FBB829" else 6.0}}
            case "lambda", "get_account_settings":
                return {"AccountLimit": {"ConcurrentExecutions": 10}}
            case _:
                return super().ask(service, operation, **about)


def test_quotas_that_are_too_small_for_a_task_or_for_people_are_named(place: Place) -> None:
    context = CloudContext.of({}, Small(place.stack, REGION, place.url, {}))
    found = [each for _, each in examine(context, [each for each in cloud_checks() if each.name == "quotas"])]
    assert [each.level for each in found] == ["warn", "ok", "FAIL"]
    assert "10 functions at once" in found[0].what
    assert "Fargate Spot: 1 vCPU at once, and a task takes 2" in found[2].what
    assert "L-36FBB829" in found[2].fix


class Untouched(Small):
    """An account whose quotas nobody ever changed: AWS has no value of its own for them."""

    def ask(self, service: str, operation: str, **about: Any) -> dict[str, Any]:
        match operation:
            case "get_service_quota":
                raise AwsRefused("there is none", "", "NoSuchResourceException")
            case "get_aws_default_service_quota":
                return {"Quota": {"Value": 6.0}}
            case _:
                return super().ask(service, operation, **about)


def test_a_quota_that_was_never_changed_is_its_default(place: Place) -> None:
    context = CloudContext.of({}, Untouched(place.stack, REGION, place.url, {}))
    found = [each for _, each in examine(context, [each for each in cloud_checks() if each.name == "quotas"])]
    assert [each.level for each in found] == ["warn", "ok", "ok"]


def test_every_output_that_is_looked_at_is_made_here(place: Place) -> None:
    assert set(place.outputs) == set(OUTPUTS)
