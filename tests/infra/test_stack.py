"""The synthesised stack: what it holds, what it must never hold."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.synth import ROOT, Assembly, CannotSynthesise
from tests.infra.conftest import Synth, functions_of, of_type, only

FREE_AT_REST = """
    AWS::Budgets::Budget AWS::CloudWatch::Alarm AWS::CloudWatch::Dashboard AWS::CodeBuild::Project AWS::DynamoDB::Table
    AWS::EC2::InternetGateway AWS::EC2::Route AWS::EC2::RouteTable AWS::EC2::SecurityGroup AWS::EC2::Subnet
    AWS::EC2::SubnetRouteTableAssociation AWS::EC2::VPC AWS::EC2::VPCGatewayAttachment AWS::ECR::Repository
    AWS::ECS::Cluster AWS::ECS::ClusterCapacityProviderAssociations AWS::ECS::TaskDefinition AWS::Events::Rule
    AWS::IAM::Role AWS::Lambda::EventInvokeConfig AWS::Lambda::EventSourceMapping AWS::Lambda::Function
    AWS::Lambda::Permission AWS::Lambda::Url AWS::Logs::LogGroup AWS::S3::Bucket AWS::S3::BucketPolicy
    AWS::SNS::Subscription AWS::SNS::Topic AWS::SNS::TopicPolicy AWS::SQS::Queue AWS::SQS::QueuePolicy
    AWS::SecretsManager::Secret Custom::PersevereImage
""".split()
"""Types without a price by the hour. A type that is not here fails the test: look up what it costs, then add it.

Secrets, alarms and dashboards have a price by the month; docs/cost.md counts them.
"""
OUTPUTS = """WebhookUrl JobApiUrl TableName BucketName ClusterName TaskDefinitionArn AppSecretArn WebhookSecretArn KeysSecretArn
    ModelSecretArn""".split()
KEPT = {
    "AWS::DynamoDB::Table": "Retain",
    "AWS::S3::Bucket": "RetainExceptOnCreate",
    "AWS::SecretsManager::Secret": "RetainExceptOnCreate",
}
"""What becomes of each when the stack is deleted. A first deployment that fails is to leave nothing that costs money behind;
a table on demand costs nothing while it is empty, and its protection would make the way back fail."""


def test_awss_own_rules_hold_but_for_what_is_acknowledged_with_a_reason(assembly: Assembly) -> None:
    """A finding that is not acknowledged would have ended the synthesis."""
    acknowledged = [
        rule
        for resource in assembly.template["Resources"].values()
        for rule in resource.get("Metadata", {}).get("cdk_nag", {}).get("rules_to_suppress", [])
    ]
    assert {rule["id"] for rule in acknowledged} > {"AwsSolutions-SQS3", "AwsSolutions-L1"}
    assert all(len(rule["reason"]) > 20 for rule in acknowledged)


def test_each_acknowledgement_is_still_needed(synth: Synth, tmp_path: Path) -> None:
    with pytest.raises(CannotSynthesise):
        synth(check="bare", image="codebuild")
    report = (tmp_path / "out" / "validation-report.json").read_text("utf-8")
    source = (ROOT / "infra" / "acknowledged.py").read_text("utf-8")
    acknowledged = set(re.findall(r'"(AwsSolutions-[A-Z]+[0-9]+)"', source))
    assert set(re.findall(r"AwsSolutions-[A-Z]+[0-9]+", report)) == acknowledged


def test_the_template_is_clean(assembly: Assembly) -> None:
    """W3005: the CDK adds a dependency on a function's role that its ARN says already; both are harmless together."""
    command = [
        ROOT / ".venv-infra/bin/cfn-lint",
        "--ignore-checks",
        "W3005",
        "--format",
        "parseable",
        assembly.template_file,
    ]
    ran = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_nothing_has_a_price_by_the_hour(template: dict[str, Any]) -> None:
    kinds = {each["Type"] for each in template["Resources"].values()}
    assert kinds <= set(FREE_AT_REST), f"what do these cost at rest? {kinds - set(FREE_AT_REST)}"
    assert only(template, "AWS::DynamoDB::Table")["BillingMode"] == "PAY_PER_REQUEST"
    assert not any("ProvisionedConcurrencyConfig" in each for each in functions_of(template).values())


def test_what_it_says_at_the_end(template: dict[str, Any]) -> None:
    assert sorted(template["Outputs"]) == sorted(OUTPUTS)


@pytest.mark.parametrize("kind", KEPT)
def test_what_people_would_miss_outlives_the_stack(template: dict[str, Any], kind: str) -> None:
    for resource in template["Resources"].values():
        if resource["Type"] == kind:
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (KEPT[kind], "Retain")


def test_what_has_a_fixed_name_goes_with_the_stack(template: dict[str, Any]) -> None:
    """Else the deployment after a failed one, or after `delete-stack`, finds its name taken."""
    names = {
        "FunctionName",
        "LogGroupName",
        "RoleName",
        "QueueName",
        "TopicName",
        "BucketName",
        "TableName",
        "AlarmName",
    }
    named = {
        key: each
        for key, each in template["Resources"].items()
        if names & each.get("Properties", {}).keys() or each["Type"] == "AWS::Budgets::Budget"
    }
    assert len(named) > 20
    assert not [key for key, each in named.items() if each.get("DeletionPolicy", "Delete") != "Delete"]


def test_the_table(template: dict[str, Any]) -> None:
    table = only(template, "AWS::DynamoDB::Table")
    assert table["StreamSpecification"] == {"StreamViewType": "KEYS_ONLY"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] is True
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["shard", "due"]


def test_the_stream_has_two_consumers_that_hear_what_is_theirs(template: dict[str, Any]) -> None:
    names = {
        key: each["FunctionName"]
        for key, each in of_type(template, "AWS::Lambda::Function").items()
        if "FunctionName" in each
    }
    heard = {}
    for mapping in of_type(template, "AWS::Lambda::EventSourceMapping").values():
        name = names[mapping["FunctionName"]["Ref"]].removeprefix("Persevere-")
        heard[name] = [json.loads(each["Pattern"]) for each in mapping["FilterCriteria"]["Filters"]]
        assert mapping["BisectBatchOnFunctionError"] is True
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert 0 < mapping["MaximumRetryAttempts"] <= 5
        assert mapping["DestinationConfig"]["OnFailure"]["Destination"]
    assert heard == {
        "conductor": [_pattern("INSERT", "INBOUND#")],
        "effects": [_pattern("INSERT", "EFFECT#"), _pattern("MODIFY", "EFFECT#L#")],
    }


def _pattern(event: str, prefix: str) -> dict[str, Any]:
    return {"eventName": [event], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": prefix}]}}}}


def test_the_bucket_is_private_over_tls_and_forgets(template: dict[str, Any]) -> None:
    bucket = only(template, "AWS::S3::Bucket")
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    days = {
        rule.get("Prefix", ""): rule["ExpirationInDays"]
        for rule in bucket["LifecycleConfiguration"]["Rules"]
        if "ExpirationInDays" in rule
    }
    assert days == {"": 90, "meetings/": 30}
    (statement,) = only(template, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_every_log_is_kept_for_a_while_only(template: dict[str, Any]) -> None:
    groups = of_type(template, "AWS::Logs::LogGroup")
    assert all(each["RetentionInDays"] == 30 for each in groups.values())
    functions = of_type(template, "AWS::Lambda::Function")
    assert all(each["LoggingConfig"]["LogGroup"]["Ref"] in groups for each in functions.values())


def test_the_doors_are_the_only_way_in(template: dict[str, Any]) -> None:
    urls = of_type(template, "AWS::Lambda::Url").values()
    opened = {str(each["TargetFunctionArn"]["Fn::GetAtt"][0]) for each in urls}
    assert all("githubwebhook" in each or "jobapi" in each for each in opened)
    assert len(opened) == 2
    assert {each["AuthType"] for each in urls} == {"NONE"}
    callers = {each["Principal"] for each in of_type(template, "AWS::Lambda::Permission").values()}
    assert callers == {"*", "events.amazonaws.com"}


def test_the_clock(template: dict[str, Any]) -> None:
    rules = of_type(template, "AWS::Events::Rule").values()
    assert [each["ScheduleExpression"] for each in rules if "ScheduleExpression" in each] == ["rate(1 minute)"]
    (pattern,) = [each["EventPattern"] for each in rules if "EventPattern" in each]
    assert pattern["detail-type"] == ["ECS Task State Change"]
    assert pattern["detail"]["lastStatus"] == ["RUNNING", "STOPPED"]
    assert "clusterArn" in pattern["detail"]


def test_alarms_say_what_to_do_and_are_few(template: dict[str, Any]) -> None:
    alarms = of_type(template, "AWS::CloudWatch::Alarm").values()
    metrics = {(each["Namespace"], each["MetricName"], json.dumps(each.get("Dimensions"))) for each in alarms}
    assert 5 <= len(metrics) <= 10
    for each in alarms:
        assert len(each["AlarmDescription"]) > 60
        assert each["AlarmActions"]


def test_the_page_for_operators_names_every_alarm(template: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    alarms = [each["AlarmName"] for each in of_type(template, "AWS::CloudWatch::Alarm").values()]
    assert [name for name in alarms if f"-{name.partition('-')[2]}`" not in page] == []


def test_metrics_of_our_own_that_alarms_watch_are_written_by_a_handler(template: dict[str, Any]) -> None:
    watched = {
        (each["MetricName"], each["Dimensions"][0]["Value"])
        for each in of_type(template, "AWS::CloudWatch::Alarm").values()
        if each["Namespace"] == "Persevere"
    }
    assert watched
    for metric, service in watched:
        source = (ROOT / "functions" / service / "handler.py").read_text("utf-8")
        assert f'name="{metric}"' in source
        assert f'metrics_of("{service}")' in source


def test_alarms_and_budget_may_publish_to_the_topic_for_this_account_only(template: dict[str, Any]) -> None:
    """A topic with a policy of its own has lost the first one, by which an account's alarms may publish."""
    statements = only(template, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    allowed = {each["Principal"]["Service"]: each["Condition"] for each in statements if each["Effect"] == "Allow"}
    assert allowed.keys() == {"cloudwatch.amazonaws.com", "budgets.amazonaws.com"}
    for condition in allowed.values():
        assert condition == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_budget_is_made_when_it_may_publish(template: dict[str, Any]) -> None:
    """AWS refuses a budget whose topic does not let it publish."""
    (policy,) = of_type(template, "AWS::SNS::TopicPolicy")
    (budget,) = [each for each in template["Resources"].values() if each["Type"] == "AWS::Budgets::Budget"]
    assert policy in budget["DependsOn"]


def test_a_watchdog_that_fails_is_heard_of(template: dict[str, Any]) -> None:
    """The rules hand over, and Lambda calls later by itself: what it does with a call that fails is said to Lambda."""
    names = {key: str(each.get("FunctionName")) for key, each in of_type(template, "AWS::Lambda::Function").items()}
    later = {
        names[each["FunctionName"]["Ref"]].removeprefix("Persevere-"): each
        for each in of_type(template, "AWS::Lambda::EventInvokeConfig").values()
    }
    assert later.keys() == {"planner", "watchdog"}
    (lost,) = of_type(template, "AWS::SQS::Queue")
    for each in later.values():
        assert each["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": [lost, "Arn"]}
    assert later["watchdog"]["MaximumRetryAttempts"] == 0, "the next minute sees everything that is due"
    assert later["watchdog"]["MaximumEventAgeInSeconds"] == 60


def test_the_account_builds_the_image_from_a_registry_that_does_not_count_its_pulls(template: dict[str, Any]) -> None:
    """Builders share their addresses, and Docker Hub counts pulls without an account by address."""
    spec = only(template, "AWS::CodeBuild::Project")["Source"]["BuildSpec"]
    (base,) = re.findall(r"(?m)^ARG BASE=(\S+)$", (ROOT / "runner_image" / "Dockerfile").read_text("utf-8"))
    assert f"--build-arg BASE=public.ecr.aws/docker/library/{base} " in spec


def test_the_budget_can_tell_somebody(template: dict[str, Any]) -> None:
    budget = only(template, "AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 25, "Unit": "USD"}
    assert {each["Subscribers"][0]["SubscriptionType"] for each in budget["NotificationsWithSubscribers"]} == {"SNS"}
    assert only(template, "AWS::SNS::Subscription")["Endpoint"] == "octocat@example.com"
