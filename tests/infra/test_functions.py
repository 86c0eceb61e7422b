"""Each function: what it is told, what it may take, what it may do."""

from typing import Any

import pytest

from infra.permissions import PAGE, filled, rows_of
from shared.metrics import NAMESPACE
from shared.settings import unknown
from tests.infra.conftest import functions_of, of_type

NAMES = set("github_webhook job_api conductor effects planner watchdog tokens_read tokens_write".split())
TOLD_TO_ALL = set(
    """WORLD TABLE BUCKET KEYS_SECRET CLUSTER TASK_DEFINITION SUBNETS SECURITY_GROUP PLANNER_FUNCTION TOKENS_READ TOKENS_WRITE
    JOB_API_URL APP_ID APP_SLUG GITHUB_URL COMMAND QUIET_S""".split()
)
TOLD_TO_ONE = {
    "github_webhook": {"WEBHOOK_SECRET"},
    "job_api": {"MODEL_SECRET"},
    "planner": {"MODEL_SECRET"},
    "tokens_read": {"APP_SECRET", "PURPOSES"},
    "tokens_write": {"APP_SECRET", "PURPOSES"},
}
READERS = {
    "SecretsApp": {"tokens_read", "tokens_write"},
    "SecretsWebhook": {"github_webhook"},
    "SecretsKeys": {"job_api", "effects"},
    "SecretsModel": {"job_api", "planner"},
}


def variables(function: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = function["Environment"]["Variables"]
    return found


def test_there_are_these(template: dict[str, Any]) -> None:
    assert functions_of(template).keys() == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_what_each_is_told(template: dict[str, Any], name: str) -> None:
    told = {each.removeprefix("PERSEVERE_") for each in variables(functions_of(template)[name])} - {NAMESPACE}
    assert unknown(variables(functions_of(template)[name]), on_aws=True) == []
    wanted = TOLD_TO_ALL | TOLD_TO_ONE.get(name, set())
    # A function cannot be told its own address: it would be part of itself.
    assert told == (wanted - {"JOB_API_URL"} if name == "job_api" else wanted)


def test_both_token_functions_are_one_package_with_two_purposes(template: dict[str, Any]) -> None:
    read, write = (functions_of(template)[f"tokens_{purpose}"] for purpose in ("read", "write"))
    assert read["Code"] == write["Code"]
    assert [variables(each)["PERSEVERE_PURPOSES"] for each in (read, write)] == ["read", "write"]
    assert read["Role"] != write["Role"]


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_fits_its_platform_and_time(template: dict[str, Any], name: str) -> None:
    function = functions_of(template)[name]
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    times = {"effects": 60, "job_api": 600, "planner": 900, "github_webhook": 10}
    assert function["Timeout"] == times.get(name, function["Timeout"]) <= 900
    assert sum(len(key) + len(str(value)) for key, value in variables(function).items()) < 4000  # Lambda takes 4 KB


def test_each_has_a_role_of_its_own(template: dict[str, Any]) -> None:
    roles = [str(each["Role"]) for each in of_type(template, "AWS::Lambda::Function").values()]
    assert len(set(roles)) == len(roles)


def test_a_secret_is_read_by_whom_it_is_for(template: dict[str, Any]) -> None:
    readers: dict[str, set[str]] = {}
    for row in rows_of(template):
        if "secretsmanager:GetSecretValue" in row.actions:
            assert len(row.resources) == 1
            secret = row.resources[0].strip("<>").replace("/", "")
            readers.setdefault(secret, set()).add(row.principal)
    assert readers == READERS


def test_no_value_of_a_secret_is_in_the_template(template: dict[str, Any]) -> None:
    for secret in of_type(template, "AWS::SecretsManager::Secret").values():
        assert not {"SecretString", "GenerateSecretString"} & secret.keys()


def test_the_reviewed_table_is_what_the_template_gives(template: dict[str, Any]) -> None:
    page = PAGE.read_text("utf-8")
    assert page == filled(page, rows_of(template)), "rights have changed; look at them, then: make permissions"


def test_no_wildcard_without_a_reason(template: dict[str, Any]) -> None:
    rows = rows_of(template)
    assert any(row.is_wide for row in rows)
    assert not [row for row in rows if row.is_wide and not row.why]
    assert not [row for row in rows if row.effect == "Allow" and any("*" in action for action in row.actions)]


def test_only_effects_can_have_a_token_that_writes(template: dict[str, Any]) -> None:
    callers = {row.principal for row in rows_of(template) if any("tokens_write" in each for each in row.resources)}
    assert callers - {"tokens_write"} == {"effects"}


def test_nobody_but_the_two_doors_is_called_by_anybody(template: dict[str, Any]) -> None:
    opened = {row.resources for row in rows_of(template) if row.principal == "*" and row.effect == "Allow"}
    assert opened == {("<github_webhook>",), ("<job_api>",)}
