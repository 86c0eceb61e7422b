"""`persevere deploy` says what changes before it asks, and changes nothing without a yes."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.synth import Assembly
from local.cloud import deploy as module
from local.cloud.deploy import Choices, NotDeployed, context_of, deploy, difference
from local.cloud.installation import AwsRefused, Installation
from local.cloud.states import CannotDeploy
from local.trial.terminal import Terminal
from shared.errors import NotConfigured

FUNCTION = {"Type": "AWS::Lambda::Function", "Properties": {"MemorySize": 512}}
TABLE = {"Type": "AWS::DynamoDB::Table", "Properties": {}}
IMAGE = f"111122223333.dkr.ecr.us-east-1.amazonaws.com/persevere/images@sha256:{'1' * 64}"
RUN_CDK = module.run_cdk
TEMPLATE: dict[str, Any] = {"Resources": {"F": FUNCTION, "T": TABLE}}


class Account(Installation):
    """An account with a stack of that template, or with none."""

    def __init__(self, template: dict[str, Any] | None) -> None:
        super().__init__(region="us-east-1", environment={})
        self.stands, self.status = template, "UPDATE_COMPLETE"
        self.roles = {"AWSServiceRoleForECS"}
        self.bootstrapped = 30
        self.signed_in = True
        self.role_is_taken = ""
        self.image_gone = False

    def ask(self, service: str, operation: str, **about: Any) -> dict[str, Any]:
        if not self.signed_in:
            raise AwsRefused("no", "sign in again", "ExpiredToken")
        match service, operation:
            case "iam", "get_role":
                if about["RoleName"] not in self.roles:
                    raise AwsRefused("no such role", "", "NoSuchEntity")
                return {}
            case "iam", "create_service_linked_role":
                if self.role_is_taken:
                    raise AwsRefused("it is there", "", self.role_is_taken)
                self.roles.add({"ecs.amazonaws.com": "AWSServiceRoleForECS"}[about["AWSServiceName"]])
                return {}
            case "ssm", "get_parameter":
                if not self.bootstrapped:
                    raise AwsRefused("no such parameter", "", "ParameterNotFound")
                return {"Parameter": {"Value": str(self.bootstrapped)}}
            case "sts", _:
                return {"Account": "111122223333"}
            case "cloudformation", "get_template" if self.stands is not None:
                return {"TemplateBody": json.dumps(self.stands)}
            case "cloudformation", "describe_stacks" if self.stands is not None:
                told = [{"OutputKey": "TaskDefinitionArn", "OutputValue": "arn:of:the:task"}]
                return {"Stacks": [{"StackStatus": self.status, "Outputs": told}]}
            case "cloudformation", _:
                raise AwsRefused("there is none", "persevere deploy", "ValidationError")
            case "ecs", "describe_task_definition" if about["taskDefinition"] == "arn:of:the:task":
                return {"taskDefinition": {"containerDefinitions": [{"image": IMAGE}]}}
            case "ecr", "describe_images" if about["imageIds"] == [{"imageDigest": f"sha256:{'1' * 64}"}]:
                if self.image_gone:
                    raise AwsRefused("no such image", "", "ImageNotFoundException")
                return {"imageDetails": [{}]}
            case _:
                raise AssertionError(f"{service} {operation} was not expected")


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The real template's functions are what cost is counted from; here a synthesis gives back this one."""
    found: dict[str, Any] = json.loads(json.dumps(TEMPLATE))

    def synthesise(directory: Path, context: dict[str, str], *, staged: bool) -> Assembly:
        directory.mkdir(parents=True)
        made = json.loads(json.dumps(found))
        if "Image" in made["Resources"] and "image_again" in context:
            made["Resources"]["Image"]["Properties"]["Again"] = context["image_again"]
        (directory / "Persevere.template.json").write_text(json.dumps(made))
        needs = {"requiresBootstrapStackVersion": 6, "bootstrapStackVersionSsmParameter": "/cdk/version"}
        (directory / "manifest.json").write_text(json.dumps({"artifacts": {"Persevere": {"properties": needs}}}))
        return Assembly(directory, "")

    def run_cdk(*_: Any) -> None:
        raise AssertionError("nothing may be changed")

    monkeypatch.setattr(module, "synthesise", synthesise)
    monkeypatch.setattr(module, "make_tools", lambda: None)
    monkeypatch.setattr(module, "run_cdk", run_cdk)
    monkeypatch.setattr(module.cost, "at_rest", lambda template: [])
    monkeypatch.setattr(module.cost, "average_job", lambda template: [])
    return found


def run(account: Account, choices: Choices, answer: str = "") -> tuple[int, str]:
    said = io.StringIO()
    return deploy(account, choices, Terminal(said), lambda question: answer), said.getvalue()


@pytest.mark.parametrize(
    ("installed", "again"),
    [
        pytest.param(None, True, id="a fresh clone"),
        pytest.param("2.1148.0", True, id="of an older version of Persevere"),
        pytest.param("2.1148.1", False, id="the pinned one"),
    ],
)
def test_the_cdk_of_another_version_is_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: str | None, again: bool
) -> None:
    """An older one does not read what a newer library has written."""
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "package.json").write_text(json.dumps({"devDependencies": {"aws-cdk": "2.1148.1"}}))
    if installed:
        place = tmp_path / "infra" / "node_modules"
        for name in (".bin", "aws-cdk"):
            (place / name).mkdir(parents=True)
        (place / ".bin" / "cdk").touch()
        (place / "aws-cdk" / "package.json").write_text(json.dumps({"version": installed}))
    ran: list[str] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command[0])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "CDK", tmp_path / "infra" / "node_modules" / ".bin" / "cdk")
    monkeypatch.setattr(module.shutil, "which", lambda name: name)
    monkeypatch.setattr(module.subprocess, "run", run)
    module.make_tools()
    assert ("npm" in ran) == again


def test_it_says_account_region_changes_and_cost_and_takes_anything_but_yes_for_no(template: dict[str, Any]) -> None:
    code, said = run(Account(None), Choices(), answer="maybe")
    assert code == 2
    for part in ("111122223333", "us-east-1", "1 DynamoDB Table, 1 Lambda Function", "a month at rest", "average job"):
        assert part in said
    assert "Nothing was changed." in said


def test_a_price_file_with_a_fault_is_named_with_its_line_before_anything_is_made(
    template: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "own.json").write_text('{"models": {\n"compatible:mine": {"inptu": 1}}}')
    (tmp_path / "choices.toml").write_text('prices = "own.json"\n')
    with pytest.raises(NotConfigured, match=r"own\.json line 2"):
        run(Account(None), Choices(yes=True, context=(f"choices={tmp_path / 'choices.toml'}",)))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        pytest.param("PERSEVERE_DAYY=5", "PERSEVERE_DAYY, which nothing reads; PERSEVERE_DAY is near", id="no name"),
        pytest.param("PERSEVERE_DAY=lots", "PERSEVERE_DAY is 'lots'", id="no amount"),
    ],
)
def test_a_setting_that_would_be_no_ceiling_is_named_before_anything_is_made(
    template: dict[str, Any], tmp_path: Path, setting: str, words: str
) -> None:
    (tmp_path / "choices.toml").write_text(f'settings = ["PERSEVERE_SPOT=0", "PERSEVERE_MONTH=50", "{setting}"]\n')
    with pytest.raises(NotConfigured, match=words) as raised:
        run(Account(None), Choices(yes=True, context=(f"choices={tmp_path / 'choices.toml'}",)))
    assert "infra/choices.toml" in raised.value.advice


def test_a_dry_run_stops_there(template: dict[str, Any]) -> None:
    code, said = run(Account(None), Choices(yes=True, dry_run=True))
    assert code == 0
    assert "--dry-run" in said


def test_what_holds_state_is_not_dropped_without_a_word(template: dict[str, Any]) -> None:
    del template["Resources"]["T"]
    _, said = run(Account(TEMPLATE), Choices(dry_run=True))
    assert "careful" in said
    assert "removed" in said


def test_a_deployment_that_failed_is_tried_again_though_its_template_is_there(template: dict[str, Any]) -> None:
    account = Account(TEMPLATE)
    account.status = "ROLLBACK_COMPLETE"
    code, said = run(account, Choices(), answer="no")
    assert (code, "Nothing changes." in said) == (2, False)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        pytest.param("UPDATE_IN_PROGRESS", "goes on by itself", id="somebody else deploys, or one was left"),
        pytest.param("CREATE_IN_PROGRESS", "goes on by itself", id="the first one is at work"),
        pytest.param("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "goes on by itself", id="not quite done"),
        pytest.param("UPDATE_ROLLBACK_FAILED", "continue-update-rollback", id="stuck on the way back"),
        pytest.param("DELETE_FAILED", "delete-stack", id="half deleted"),
    ],
)
def test_a_stack_that_takes_no_change_now_is_said_before_it_asks(
    template: dict[str, Any], status: str, advice: str
) -> None:
    account = Account({"Resources": {"F": FUNCTION}})
    account.status = status
    with pytest.raises(CannotDeploy) as raised:
        run(account, Choices(yes=True))
    assert advice in raised.value.advice


def test_what_is_as_it_should_be_needs_no_free_stack(template: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(TEMPLATE)
    account.status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    cdk = called(monkeypatch, account)
    code, said = run(account, Choices())
    assert (code, cdk.called, "Nothing changes." in said) == (0, [], True)


@pytest.mark.parametrize("before", [{}, {"Again": "123"}], ids=["as first built", "built anew once"])
def test_an_image_that_the_account_built_and_lost_is_built_anew(
    template: dict[str, Any], before: dict[str, str]
) -> None:
    """A second build has another digest, so the resource that says it has to be asked again."""
    template["Resources"]["Image"] = {"Type": "Custom::PersevereImage", "Properties": {"Tag": "abc"}}
    stands = json.loads(json.dumps(template))
    stands["Resources"]["Image"]["Properties"] |= before
    account = Account(stands)
    _, said = run(account, Choices(dry_run=True))
    assert "PersevereImage" not in said
    account.image_gone = True
    _, said = run(account, Choices(dry_run=True))
    assert "1 Custom PersevereImage" in said


def test_a_first_deployment_that_failed_is_made_anew_and_that_is_said(template: dict[str, Any]) -> None:
    account = Account(TEMPLATE)
    account.status = "ROLLBACK_COMPLETE"
    _, said = run(account, Choices(dry_run=True))
    assert "taken away and made anew" in said
    assert "1 DynamoDB Table, 1 Lambda Function" in said, "all of it, though the template is there"


class Cdk:
    """The pinned command. What it is called for is noted; it ends as `ends` says, and AWS then stands as `leaves` says."""

    def __init__(self, account: Account, ends: int = 0, leaves: str = "UPDATE_ROLLBACK_COMPLETE") -> None:
        self.account, self.ends, self.leaves, self.called = account, ends, leaves, list[str]()
        self.roles: set[str] = set()

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        self.called.append(command[1])
        self.roles = set(self.account.roles)
        if self.ends < 0:
            raise KeyboardInterrupt
        if self.leaves == "unknown":
            self.account.signed_in = False
        elif self.ends:
            self.account.status = self.leaves
            self.account.stands = self.account.stands or TEMPLATE
        return subprocess.CompletedProcess(command, self.ends)


def called(
    monkeypatch: pytest.MonkeyPatch, account: Account, ends: int = 0, leaves: str = "UPDATE_ROLLBACK_COMPLETE"
) -> Cdk:
    cdk = Cdk(account, ends, leaves)
    monkeypatch.setattr(module, "run_cdk", RUN_CDK)
    monkeypatch.setattr(module.subprocess, "run", cdk)
    monkeypatch.setattr(module, "make_missing_keys", lambda installation: [])
    monkeypatch.setattr(module, "_examine", lambda installation: 0)
    return cdk


def test_in_a_new_account_what_ecs_and_the_cdk_need_is_said_and_made_first(
    template: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account(None)
    account.roles, account.bootstrapped = set(), 0
    cdk = called(monkeypatch, account)
    code, said = run(account, Choices(yes=True))
    assert (code, cdk.called) == (0, ["bootstrap", "deploy"])
    assert cdk.roles == {"AWSServiceRoleForECS"}, "before the first cluster is made"
    assert "AWSServiceRoleForECS" in said
    assert "CDKToolkit" in said


@pytest.mark.parametrize("word", ["InvalidInput", "EntityAlreadyExists"])
def test_the_role_of_ecs_that_somebody_made_meanwhile_is_as_good(
    template: dict[str, Any], monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    account = Account(None)
    account.roles, account.role_is_taken = set(), word
    called(monkeypatch, account)
    assert run(account, Choices(yes=True))[0] == 0


@pytest.mark.parametrize(("version", "calls"), [(30, ["deploy"]), (5, ["bootstrap", "deploy"])])
def test_what_the_cdk_needs_is_made_where_it_is_missing_or_too_old(
    template: dict[str, Any], monkeypatch: pytest.MonkeyPatch, version: int, calls: list[str]
) -> None:
    account = Account(None)
    account.bootstrapped = version
    cdk = called(monkeypatch, account)
    run(account, Choices(yes=True))
    assert cdk.called == calls


@pytest.mark.parametrize(
    ("stands", "leaves", "advice"),
    [
        pytest.param(None, "ROLLBACK_COMPLETE", "an empty table", id="the first one"),
        pytest.param({"Resources": {}}, "UPDATE_ROLLBACK_COMPLETE", "as it was", id="an upgrade"),
        pytest.param({"Resources": {}}, "UPDATE_IN_PROGRESS", "goes on by itself", id="cut off while AWS works"),
        pytest.param({"Resources": {}}, "unknown", "sign in again", id="the session has ended"),
        pytest.param({"Resources": {}}, "UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED", id="stuck"),
    ],
)
def test_a_deployment_that_fails_says_how_the_stack_stands(
    template: dict[str, Any], monkeypatch: pytest.MonkeyPatch, stands: Any, leaves: str, advice: str
) -> None:
    account = Account(stands)
    called(monkeypatch, account, 1, leaves)
    with pytest.raises(NotDeployed) as raised:
        run(account, Choices(yes=True))
    assert advice in raised.value.advice


def test_without_the_right_to_bootstrap_it_says_who_may(
    template: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account(None)
    account.bootstrapped = 0
    called(monkeypatch, account, 1)
    with pytest.raises(NotDeployed) as raised:
        run(account, Choices(yes=True))
    assert "cdk bootstrap aws://111122223333/us-east-1" in raised.value.advice


def test_who_leaves_in_the_middle_is_told_that_aws_goes_on(
    template: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    account, said = Account(None), io.StringIO()
    called(monkeypatch, account, -1)
    with pytest.raises(KeyboardInterrupt):
        deploy(account, Choices(yes=True), Terminal(said), lambda question: "")
    assert "ends by itself" in said.getvalue()


def test_the_stack_that_is_named_is_the_one_that_is_made(template: dict[str, Any]) -> None:
    account = Account(None)
    account.stack = "Second"
    with pytest.raises(NotConfigured, match='makes the stack "Persevere", and "Second" was named'):
        run(account, Choices(yes=True))


def test_an_output_that_is_new_is_a_change() -> None:
    after = {"Resources": {"F": FUNCTION}, "Outputs": {"WebhookUrl": {"Value": "https://example.com"}}}
    assert difference({"Resources": {"F": FUNCTION}}, after) == {"made": [("Outputs.WebhookUrl", "Output")]}


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        pytest.param(None, {"F": FUNCTION}, {"made": [("F", "AWS::Lambda::Function")]}, id="nothing there"),
        pytest.param({"F": FUNCTION}, {"F": FUNCTION}, {}, id="the same"),
        pytest.param({"F": FUNCTION}, {"F": FUNCTION | {"Metadata": {"aws:asset:path": "x"}}}, {}, id="metadata alone"),
        pytest.param(
            {"F": FUNCTION},
            {"F": FUNCTION | {"Properties": {"MemorySize": 1024}}},
            {"changed": [("F", "AWS::Lambda::Function")]},
            id="changed",
        ),
        pytest.param(
            {"F": FUNCTION, "T": TABLE}, {"F": FUNCTION}, {"removed": [("T", "AWS::DynamoDB::Table")]}, id="removed"
        ),
    ],
)
def test_the_difference_is_by_resource(before: Any, after: Any, found: Any) -> None:
    assert difference(None if before is None else {"Resources": before}, {"Resources": after}) == found


def test_a_choice_on_the_command_line_is_name_and_value() -> None:
    assert context_of(("log_days=14", "model=a:b=c")) == {"log_days": "14", "model": "a:b=c"}
    with pytest.raises(NotConfigured, match="no name=value"):
        context_of(("log_days",))
