"""A door that the outside can knock at: a Function URL. It costs nothing while nobody does."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct


class Door(Construct):
    """Anybody may call it: who may come in is the function's own affair (GitHub's signature; a runner's ticket and the
    session token that it is exchanged for). GitHub and a task without rights on AWS can sign no request of AWS's own.

    The answer is sent whole; a runner's step stays open until its model has answered (BUFFERED, up to the time-out).
    """

    def __init__(self, scope: Construct, name: str, *, function: lambda_.Function) -> None:
        super().__init__(scope, name)
        self.url = function.add_function_url(
            auth_type=lambda_.FunctionUrlAuthType.NONE, invoke_mode=lambda_.InvokeMode.BUFFERED
        ).url


class CalledLater(Construct):
    """How AWS tries again what was called without waiting for an answer; what fails for good is put aside."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        function: lambda_.Function,
        lost_arn: str,
        tries_again: int = 2,
        oldest: Duration | None = None,
    ) -> None:
        """`oldest`: how long a call may wait for its turn or its next try."""
        super().__init__(scope, name)
        invoke = lambda_.CfnEventInvokeConfig
        invoke(
            self,
            "Config",
            function_name=function.function_name,
            qualifier="$LATEST",
            maximum_retry_attempts=tries_again,
            maximum_event_age_in_seconds=int((oldest or Duration.hours(1)).to_seconds()),
            destination_config=invoke.DestinationConfigProperty(
                on_failure=invoke.OnFailureProperty(destination=lost_arn)
            ),
        )
