"""`persevere deploy` says what changes before it asks, and changes nothing without a yes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from infra.synth import Assembly
from local.cloud import deploy as module
from local.cloud.deploy import Choices, context_of, deploy, difference
from local.cloud.installation import AwsRefused, Installation
from local.trial.terminal import Terminal
from shared.errors import NotConfigured

FUNCTION = {"Type": "AWS::Lambda::Function", "Properties": {"MemorySize": 512}}
TABLE = {"Type": "AWS::DynamoDB::Table", "Properties": {}}
TEMPLATE: dict[str, Any] = {"Resources": {"F": FUNCTION, "T": TABLE}}


class Account(Installation):
    """An account with a stack of that template, or with none."""

    def __init__(self, template: dict[str, Any] | None) -> None:
        super().__init__(region="us-east-1", environment={})
        self.stands, self.status = template, "UPDATE_COMPLETE"

    def ask(self, service: str, operation: str, **about: Any) -> dict[str, Any]:
        match service, operation:
            case "sts", _:
                return {"Account": "111122223333"}
            case "cloudformation", "get_template" if self.stands is not None:
                return {"TemplateBody": json.dumps(self.stands)}
            case "cloudformation", "describe_stacks" if self.stands is not None:
                return {"Stacks": [{"StackStatus": self.status}]}
            case "cloudformation", _:
                raise AwsRefused("there is none", "persevere deploy", "ValidationError")
            case _:
                raise AssertionError(f"{service} {operation} was not expected")


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The real template's functions are what cost is counted from; here a synthesis gives back this one."""
    found: dict[str, Any] = json.loads(json.dumps(TEMPLATE))

    def synthesise(directory: Path, context: dict[str, str], *, staged: bool) -> Assembly:
        directory.mkdir(parents=True)
        (directory / "Persevere.template.json").write_text(json.dumps(found))
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
