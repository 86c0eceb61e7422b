"""What is wrong with an installation on AWS: each check looks at one thing and names its fix. Nothing is changed."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from local.cloud.installation import OUTPUTS, AwsRefused, Installation
from local.cloud.registry import is_gone
from local.doctor.aws_context import DEPLOY, INIT, MEND, cloud_of, json_of, output_of, want_stack
from local.doctor.finding import Context, Finding, NotAsked, fail, ok, warn
from shared.aws.items import DUE_INDEX, TTL
from shared.aws.tasks import ON_DEMAND, SPOT
from shared.errors import NotConfigured

FUNCTIONS = "github_webhook job_api conductor effects planner watchdog tokens_read tokens_write".split()
CONCURRENCY = 50
VCPU_QUOTAS = {"L-3032A538": "Fargate on demand", "L-36FBB829": "Fargate Spot"}
"""Codes of Service Quotas for the vCPUs that may run at once (docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html)."""


def credentials(context: Context) -> Finding:
    here = cloud_of(context).installation
    try:
        return ok(f"account {here.account}, region {here.where}")
    except NotConfigured as error:
        return fail(str(error), error.advice)
    except AwsRefused as error:
        return fail(f"AWS does not say who you are: {error}", error.advice)


def stack(context: Context) -> Finding:
    here = cloud_of(context).installation
    try:
        status = str(here.description["StackStatus"])
    except AwsRefused as error:
        return fail(
            f"there is no stack {here.stack} in {here.where}",
            f"{DEPLOY}, or name another --stack or AWS_REGION ({error.code})",
        )
    if status.endswith("IN_PROGRESS"):
        return warn(f"the stack {here.stack} is being changed ({status})", "wait, then look again")
    if "FAILED" in status or "ROLLBACK" in status:
        return fail(
            f"the last deployment failed ({status})", f"{DEPLOY}; what went wrong stands in CloudFormation's events"
        )
    missing = [name for name in OUTPUTS if name not in here.outputs]
    if missing:
        return fail(f"the stack does not say {', '.join(missing)}: it is of an older version", DEPLOY)
    return ok(f"{here.stack}, {status}")


def functions(context: Context) -> Iterator[Finding]:
    here = cloud_of(context).installation
    want_stack(here)
    good = 0
    for name in FUNCTIONS:
        try:
            found = here.function(name)
        except AwsRefused as error:
            yield fail(f"the function {name} is not there ({error.code})", MEND)
            continue
        if found.get("State", "Active") != "Active" or found.get("LastUpdateStatus") == "Failed":
            yield fail(f"{name} is {found.get('State')}: {found.get('StateReason', '')}".strip(), MEND)
            continue
        good += 1
    if good == len(FUNCTIONS):
        yield ok(f"all {good} are there")


def consumers(context: Context) -> Iterator[Finding]:
    """The table's stream has exactly two; one that is switched off is silence."""
    here = cloud_of(context).installation
    want_stack(here)
    heard = []
    for name in ("conductor", "effects"):
        found = here.ask("lambda", "list_event_source_mappings", FunctionName=f"{here.stack}-{name}")
        mappings = found["EventSourceMappings"]
        if not mappings:
            yield fail(f"{name} does not listen to the table's stream", MEND)
        elif mappings[0].get("State") not in ("Enabled", "Enabling", "Creating", "Updating"):
            yield fail(
                f"{name} does not listen: its event source mapping is {mappings[0].get('State')}",
                f"aws lambda update-event-source-mapping --enabled --uuid {mappings[0].get('UUID')}",
            )
        else:
            heard.append(name)
    if len(heard) == 2:
        yield ok("conductor and effects listen")


def minute(context: Context) -> Finding:
    here = cloud_of(context).installation
    want_stack(here)
    rules = here.ask("events", "list_rule_names_by_target", TargetArn=str(here.function("watchdog")["FunctionArn"]))
    found = [here.ask("events", "describe_rule", Name=name) for name in rules["RuleNames"]]
    clocks = [each for each in found if each.get("ScheduleExpression")]
    if not clocks:
        return fail("nothing wakes the watchdog", MEND)
    if clocks[0].get("State") != "ENABLED":
        return fail("the watchdog's minute rule is switched off", f"aws events enable-rule --name {clocks[0]['Name']}")
    if not any(each.get("EventPattern") for each in found):
        return warn("nobody tells the watchdog that a task ended, so it finds out up to minutes later", MEND)
    return ok(f"{clocks[0]['Name']} wakes the watchdog")


def table(context: Context) -> Iterator[Finding]:
    here = cloud_of(context).installation
    name = output_of(here, "TableName")
    try:
        found = here.ask("dynamodb", "describe_table", TableName=name)["Table"]
    except AwsRefused as error:
        if error.code != "ResourceNotFoundException":
            raise
        yield fail(f"the table {name} is gone", "restore it: docs/operations.md, Restore")
        return
    wrong = list(_wrong_with(here, name, found))
    yield from wrong
    if not wrong:
        yield ok(f"{name}, stream, index, restore points")


def _wrong_with(here: Installation, name: str, found: Mapping[str, Any]) -> Iterator[Finding]:
    if (found.get("StreamSpecification") or {}).get("StreamViewType") != "KEYS_ONLY":
        yield fail("the table's stream is off or shows more than keys", MEND)
    if DUE_INDEX not in [each["IndexName"] for each in found.get("GlobalSecondaryIndexes") or ()]:
        yield fail("the index of what is due is missing, so nothing late is found", MEND)
    backups = here.ask("dynamodb", "describe_continuous_backups", TableName=name)["ContinuousBackupsDescription"]
    if (backups.get("PointInTimeRecoveryDescription") or {}).get("PointInTimeRecoveryStatus") != "ENABLED":
        yield fail("the table has no restore points", MEND)
    life = here.ask("dynamodb", "describe_time_to_live", TableName=name)["TimeToLiveDescription"]
    if life.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING") or life.get("AttributeName") != TTL:
        yield warn("what has expired is never removed", MEND)


def bucket(context: Context) -> Finding:
    here = cloud_of(context).installation
    name = output_of(here, "BucketName")
    try:
        blocked = here.ask("s3", "get_public_access_block", Bucket=name)["PublicAccessBlockConfiguration"]
    except AwsRefused as error:
        if error.code in ("NoSuchBucket", "404"):
            return fail(
                f"the bucket {name} is gone, and what it held", f"{MEND} makes another; specs over 16 KB are lost"
            )
        if error.code != "NoSuchPublicAccessBlockConfiguration":
            raise
        blocked = {}
    if not blocked or not all(blocked.values()):
        return fail(f"the bucket {name} may be made public", MEND)
    return ok(f"{name}, private")


def task(context: Context) -> Iterator[Finding]:
    """What works on a repository: pinned, and without any right on AWS."""
    here = cloud_of(context).installation
    arn = output_of(here, "TaskDefinitionArn")
    try:
        found = here.ask("ecs", "describe_task_definition", taskDefinition=arn)["taskDefinition"]
    except AwsRefused as error:
        yield fail(f"the task definition is gone ({error.code})", MEND)
        return
    image = str(found["containerDefinitions"][0]["image"])
    wrong = False
    if found.get("taskRoleArn"):
        wrong = True
        yield fail(f"tasks have a role on AWS ({found['taskRoleArn']}): repository code could use it", MEND)
    if found.get("status") == "INACTIVE":
        wrong = True
        yield fail("the task definition was deregistered, so nothing can start", MEND)
    if "@sha256:" not in image and not _pinned_tag(image):
        wrong = True
        yield warn(
            f"the image {image} is named by a tag that can be moved",
            f'image = "digest:..." in infra/choices.toml, then {DEPLOY}',
        )
    elif gone := _gone_from_registry(here, image):
        wrong = True
        yield gone
    if not wrong:
        yield ok(f"image {image.rpartition('/')[2][:40]}, no role")


def _gone_from_registry(here: Installation, image: str) -> Finding | None:
    """An image in the account's own registry that is not there; of others only whoever starts a task hears."""
    try:
        gone = is_gone(here, image)
    except AwsRefused as error:
        return warn(f"the registry does not say whether the image is there ({error.code})", error.advice)
    if not gone:
        return None
    name = image.partition("/")[2][:60]
    return fail(f"the image {name} is not in the registry: no task can start", f"{MEND} makes it anew")


def _pinned_tag(image: str) -> bool:
    """CDK's own tags are the hash of what the image is made from, in a registry whose tags cannot be moved."""
    tag = image.rpartition(":")[2]
    return len(tag) == 64 and not set(tag) - set("0123456789abcdef")


def cluster(context: Context) -> Finding:
    here = cloud_of(context).installation
    name = output_of(here, "ClusterName")
    found = here.ask("ecs", "describe_clusters", clusters=[name])["clusters"]
    if not found or found[0].get("status") != "ACTIVE":
        return fail(f"the cluster {name} is gone", MEND)
    if lacking := sorted({SPOT, ON_DEMAND} - set(found[0].get("capacityProviders") or ())):
        return fail(f"the cluster {name} takes no {', '.join(lacking)}, so nothing starts there", MEND)
    return ok(f"{name}, {found[0].get('runningTasksCount', 0)} tasks run")


def quotas(context: Context) -> Iterator[Finding]:
    """New accounts often may run little at once."""
    here = cloud_of(context).installation
    want_stack(here)
    limit = here.ask("lambda", "get_account_settings")["AccountLimit"].get("ConcurrentExecutions", 1000)
    if limit < CONCURRENCY:
        yield warn(
            f"this account may run {limit} functions at once", "ask for more at Service Quotas, AWS Lambda, L-B99A9384"
        )
    cpu = (
        float(
            here.ask("ecs", "describe_task_definition", taskDefinition=output_of(here, "TaskDefinitionArn"))[
                "taskDefinition"
            ].get("cpu")
            or 0
        )
        / 1024
    )
    for code, what in VCPU_QUOTAS.items():
        try:
            value = _quota(here, code)
        except AwsRefused as error:
            yield warn(
                f"the quota of {what} could not be read ({error.code})",
                "servicequotas:GetServiceQuota and GetAWSDefaultServiceQuota are what it takes",
            )
            continue
        if value < cpu:
            yield fail(
                f"{what}: {value:g} vCPU at once, and a task takes {cpu:g}",
                f"ask for more at Service Quotas, AWS Fargate, {code}",
            )
        else:
            yield ok(f"{what}: {value:g} vCPU at once")


def _quota(here: Installation, code: str) -> float:
    """The account's own value of a quota of Fargate; where none was ever set, AWS answers for its default alone."""
    asked = {"ServiceCode": "fargate", "QuotaCode": code}
    try:
        found = here.ask("service-quotas", "get_service_quota", **asked)
    except AwsRefused as error:
        if error.code != "NoSuchResourceException":
            raise
        found = here.ask("service-quotas", "get_aws_default_service_quota", **asked)
    return float(found["Quota"]["Value"])


def ping(context: Context) -> Finding:
    """A signed ping through the real door: its address, secret, code and table rights at once."""
    here = cloud_of(context).installation
    url = output_of(here, "WebhookUrl")
    value = json_of(context, "WebhookSecretArn")
    if not isinstance(value, list) or not value:
        raise NotAsked
    body = json.dumps({"zen": "persevere doctor", "hook_id": 0}).encode()
    headers = {
        "content-type": "application/json",
        "x-github-event": "ping",
        "x-github-delivery": str(uuid.uuid4()),
        "x-hub-signature-256": "sha256=" + hmac.new(str(value[0]).encode(), body, hashlib.sha256).hexdigest(),
    }
    try:
        answer = _post(here, url, body, headers)
    except requests.RequestException as error:
        return fail(
            f"the webhook's door does not answer ({type(error).__name__})",
            f"look at {url} from another network, then {DEPLOY}",
        )
    if answer.status_code == 401:
        return fail(
            "the door takes another secret than the one that is stored",
            "it re-reads it within 5 minutes; wait, then look again",
        )
    if answer.status_code == 403:
        return fail(f"AWS itself refuses calls of the webhook's door {url} (403)", _REFUSED)
    if answer.status_code not in (200, 202):
        return fail(
            f"the door answers {answer.status_code} to a signed ping",
            _log(here, "github_webhook"),
        )
    return ok(f"a signed ping was taken in {answer.elapsed.total_seconds() * 1000:.0f} ms")


def runners_door(context: Context) -> Finding:
    """A question that the runners' door knows no answer to: its address, its code and what it is told, without a ticket."""
    here = cloud_of(context).installation
    url = output_of(here, "JobApiUrl")
    try:
        answer = _post(here, url, b"{}", {"content-type": "application/json"})
        code = None if answer.status_code == 403 else answer.json().get("code")
    except requests.RequestException as error:  # no JSON is one, too
        return fail(f"the runners' door does not answer as it should ({type(error).__name__})", _log(here, "job_api"))
    if answer.status_code == 403:
        return fail(f"AWS itself refuses calls of the runners' door {url} (403)", _REFUSED)
    if (answer.status_code, code) != (404, "not_found"):
        return fail(f"the runners' door answers {answer.status_code}", _log(here, "job_api"))
    return ok(f"it answers, in {answer.elapsed.total_seconds() * 1000:.0f} ms")


_REFUSED = (
    f"{MEND} gives a Function URL its permissions back; where it has them, a policy of your organisation forbids it"
)


def _log(here: Installation, function: str) -> str:
    return f"read its log: aws logs tail /aws/lambda/{here.stack}-{function}"


def _post(here: Installation, url: str, body: bytes, headers: dict[str, str]) -> requests.Response:
    """An emulator's Function URLs resolve nowhere: it tells them apart by Host."""
    if here.endpoint:
        headers = {**headers, "host": url.split("/")[2]}
        url = here.endpoint
    return requests.post(url, data=body, headers=headers, timeout=15)


def hook(context: Context) -> Finding:
    """Where GitHub sends to, and whether it is there."""
    url = output_of(cloud_of(context).installation, "WebhookUrl")
    context.app_there  # noqa: B018 - without it there is nothing to ask
    there = context.wire.send("GET", "/app/hook/config", context.tokens.app_jwt()).body or {}
    if str(there.get("url", "")).rstrip("/") != url.rstrip("/"):
        return fail(
            f"GitHub sends webhooks to {there.get('url') or 'nowhere'}, and the door is {url}", f"{INIT} --webhook"
        )
    return ok("GitHub sends to the door")
