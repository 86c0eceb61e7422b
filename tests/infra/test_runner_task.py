"""The task that runs a repository's code: no rights, no secret, no way in."""

from typing import Any

import pytest

from infra.permissions import rows_of
from shared.metrics import NAMESPACE
from tests.infra.conftest import Synth, of_type, only

DIGEST = "digest:registry.example.com/persevere/runner@sha256:" + "0" * 64


def container(template: dict[str, Any]) -> dict[str, Any]:
    (one,) = only(template, "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    return one  # type: ignore[no-any-return]


def test_it_has_no_role_and_no_secret(template: dict[str, Any]) -> None:
    task = only(template, "AWS::ECS::TaskDefinition")
    assert "TaskRoleArn" not in task
    assert "Secrets" not in container(template)
    assert "Environment" not in container(template)
    assert "secret" not in str(task).lower()


def test_its_execution_role_fetches_the_image_and_writes_the_log(template: dict[str, Any]) -> None:
    rights = {action for row in rows_of(template) if row.principal == "Runner/Execution" for action in row.actions}
    assert {right.partition(":")[0] for right in rights} == {"ecr", "logs"}
    assert not {right for right in rights if "Put" in right and right != "logs:PutLogEvents"}


def test_nothing_may_call_in_and_out_is_narrow(template: dict[str, Any]) -> None:
    group = only(template, "AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in group
    assert {(each["IpProtocol"], each["FromPort"], each["ToPort"]) for each in group["SecurityGroupEgress"]} == {
        ("tcp", 80, 80),
        ("tcp", 443, 443),
    }
    assert not of_type(template, "AWS::EC2::NatGateway")


def test_it_is_given_the_time_to_leave(template: dict[str, Any]) -> None:
    assert container(template)["StopTimeout"] == 120


def test_both_capacities_are_there_and_none_is_a_default(template: dict[str, Any]) -> None:
    capacity = only(template, "AWS::ECS::ClusterCapacityProviderAssociations")
    assert sorted(capacity["CapacityProviders"]) == ["FARGATE", "FARGATE_SPOT"]
    assert capacity["DefaultCapacityProviderStrategy"] == []


def test_the_built_image_is_named_by_its_digest(template: dict[str, Any]) -> None:
    uri = str(container(template)["Image"])
    assert "'@'" in uri or "@" in uri
    assert "'Digest'" in uri


def test_the_account_is_asked_again_for_an_image_that_is_gone(template: dict[str, Any], synth: Synth) -> None:
    assert "Again" not in only(template, "Custom::PersevereImage")
    again = synth(image="codebuild", image_again="1700000000000").template
    assert only(again, "Custom::PersevereImage")["Again"] == "1700000000000"


def test_an_image_that_is_there_needs_no_builder(synth: Synth) -> None:
    template = synth(image=DIGEST, architecture="arm64", sandbox="bwrap").template
    assert container(template)["Image"] == DIGEST.removeprefix("digest:")
    assert container(template)["Environment"] == [{"Name": "PERSEVERE_SANDBOX", "Value": "bwrap"}]
    assert only(template, "AWS::ECS::TaskDefinition")["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    assert not of_type(template, "AWS::CodeBuild::Project")


def test_with_docker_the_image_is_an_asset_and_needs_no_builder(synth: Synth) -> None:
    assembly = synth(image="docker", stack="Other", dashboard="false", budget_usd="0", webhook_concurrency="20")
    template = assembly.template
    assert not of_type(template, "AWS::CodeBuild::Project")
    assert not of_type(template, "AWS::CloudWatch::Dashboard")
    assert not of_type(template, "AWS::Budgets::Budget")
    functions = of_type(template, "AWS::Lambda::Function").values()
    names = {each["FunctionName"]: each.get("ReservedConcurrentExecutions") for each in functions}
    assert all(name.startswith("Other-") for name in names)
    assert [name for name, kept in names.items() if kept] == ["Other-github_webhook"]
    # Two installations of one account, each with alarms about itself alone.
    assert {each["Environment"]["Variables"][NAMESPACE] for each in functions} == {"Other"}
    spaces = {each["Namespace"] for each in of_type(template, "AWS::CloudWatch::Alarm").values()}
    assert {each for each in spaces if not each.startswith("AWS/")} == {"Other"}


@pytest.mark.parametrize(("choice", "words"), [({"imag": "build"}, "imag"), ({"task_cpu": "3"}, "Fargate has")])
def test_a_choice_that_is_none_ends_it_with_words(synth: Synth, choice: dict[str, str], words: str) -> None:
    from infra.synth import CannotSynthesise

    with pytest.raises(CannotSynthesise) as caught:
        synth(**choice)
    assert str(caught.value).startswith("error: ")
    assert words in str(caught.value)
    assert "Traceback" not in str(caught.value)
