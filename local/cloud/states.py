"""What the state of a stack means to somebody who wants to deploy it, or whose deployment has just ended badly.

docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html has the states.
"""

from __future__ import annotations

from local.cloud.installation import AwsRefused, Installation
from shared.errors import Final

ABSENT = ""
"""No stack, or one that nothing was ever made of."""
STANDS = frozenset("CREATE_COMPLETE UPDATE_COMPLETE UPDATE_COMPLETE_CLEANUP_IN_PROGRESS IMPORT_COMPLETE".split())
"""States of a stack that is as its template says. After a first deployment that failed the template is there, too."""
MADE_ANEW = frozenset("ROLLBACK_COMPLETE ROLLBACK_FAILED CREATE_FAILED".split())
"""The first deployment failed. AWS changes no such stack; `cdk` takes it away and begins again."""


class CannotDeploy(Final):
    """The stack is in a state that no deployment begins from."""


def state_of(installation: Installation) -> str:
    """Asked afresh. Raises AwsRefused where AWS does not say."""
    try:
        found = installation.ask("cloudformation", "describe_stacks", StackName=installation.stack)["Stacks"][0]
    except AwsRefused as error:
        if error.code == "ValidationError":
            return ABSENT
        raise
    state = str(found["StackStatus"])
    return ABSENT if state == "REVIEW_IN_PROGRESS" else state


def want_free(installation: Installation, state: str) -> None:
    """Raises CannotDeploy where AWS would refuse any change now."""
    name = installation.stack
    if state.endswith("IN_PROGRESS"):
        raise CannotDeploy(
            f"the stack {name} is being changed already ({state}): by another deployment, or by one that was left",
            "AWS goes on by itself. Wait some minutes (`persevere doctor --aws` shows the state), then again",
        )
    if state.endswith("ROLLBACK_FAILED") and state not in MADE_ANEW:
        raise CannotDeploy(
            f"the stack {name} could not go back to what it was ({state})",
            f"aws cloudformation continue-update-rollback --region {installation.where} --stack-name {name}; what hindered it "
            "stands in CloudFormation's events. Then again",
        )
    if state == "DELETE_FAILED":
        raise CannotDeploy(
            f"the stack {name} was to be deleted, and a part of it could not be",
            f"aws cloudformation delete-stack --region {installation.where} --stack-name {name}, until it is gone. Then again",
        )


def after_failure(installation: Installation) -> str:
    """In words, how the stack stands after a deployment that ended badly, and what to do."""
    try:
        state = state_of(installation)
    except AwsRefused as error:
        return (
            f"how the stack stands is not known ({error.code}: {error.advice}); AWS ends by itself what it began. Then: "
            "persevere deploy"
        )
    if state == ABSENT:
        return "nothing was made; what it said stands above. Mend that, then: persevere deploy"
    if state.endswith("IN_PROGRESS"):
        return f"AWS goes on by itself ({state}): wait some minutes, then: persevere deploy"
    if state in MADE_ANEW:
        return (
            f"AWS went back ({state}); what is left is an empty table, which costs nothing. What it said stands above: mend "
            "that, then: persevere deploy"
        )
    if state.endswith("_ROLLBACK_COMPLETE"):
        return f"AWS went back: the stack is as it was ({state}). What it said stands above: mend that, then: persevere deploy"
    return f"the stack is {state}; what it said stands above. persevere doctor --aws looks closer"
