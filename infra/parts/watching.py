"""Alarms, each with what to do, and one page of graphs. Ten metrics at most: more cost, and nobody looks at them."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


@dataclass(frozen=True)
class _Watched:
    name: str
    metric: cloudwatch.IMetric
    threshold: float
    periods: int
    text: str
    """What it means and what to do: it is all that the e-mail says."""
    below: bool = False
    missing_is_bad: bool = False


class Watching(Construct):
    """Alarms go to `topic`; whoever gave an address is told by e-mail."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        stack: str,
        functions: dict[str, lambda_.Function],
        lost: sqs.Queue,
        topic: sns.ITopic,
        dashboard: bool,
    ) -> None:
        super().__init__(scope, name)
        watched = _watched(stack, functions, lost)
        made = [self._alarm(stack, each, topic) for each in watched]
        if dashboard:
            self._dashboard(stack, watched, made, functions)

    def _alarm(self, stack: str, watched: _Watched, topic: sns.ITopic) -> cloudwatch.Alarm:
        missing = cloudwatch.TreatMissingData
        alarm = cloudwatch.Alarm(
            self,
            watched.name,
            alarm_name=f"{stack}-{watched.name}",
            alarm_description=watched.text,
            metric=watched.metric,
            threshold=watched.threshold,
            evaluation_periods=watched.periods,
            comparison_operator=BELOW if watched.below else ABOVE,
            treat_missing_data=missing.BREACHING if watched.missing_is_bad else missing.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(topic))
        return alarm

    def _dashboard(
        self,
        stack: str,
        watched: list[_Watched],
        alarms: list[cloudwatch.Alarm],
        functions: dict[str, lambda_.Function],
    ) -> None:
        graphs = [cloudwatch.GraphWidget(title=each.name, left=[each.metric], width=8, height=5) for each in watched]
        calls = cloudwatch.GraphWidget(
            title="calls",
            left=[made.metric_invocations(label=name) for name, made in functions.items()],
            width=24,
            height=6,
        )
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=stack,
            widgets=[[cloudwatch.AlarmStatusWidget(alarms=list(alarms), width=24, height=3)], [calls], graphs],
        )


def _watched(stack: str, functions: dict[str, lambda_.Function], lost: sqs.Queue) -> list[_Watched]:
    minute, five = Duration.minutes(1), Duration.minutes(5)
    door, job_api = functions["github_webhook"], functions["job_api"]
    return [
        _Watched(
            "webhook-faults",
            door.metric("Url5xxCount", statistic="Sum", period=five),
            0,
            1,
            "GitHub was answered with a fault of ours. The watchdog fetches such deliveries by itself; if this goes on, look "
            "at the log of github_webhook.",
        ),
        _Watched(
            "webhook-slow",
            door.metric_duration(statistic="p99", period=five),
            3000,
            3,
            "Webhooks take more than 3 s; GitHub gives up after 10. Look at the log of github_webhook for Init Duration, "
            "and at whether the table throttles.",
        ),
        _Watched(
            "job-api-faults",
            job_api.metric("Url5xxCount", statistic="Sum", period=five),
            5,
            2,
            "Runners are answered with faults. They try again for six minutes. Look at the log of job_api.",
        ),
        _Watched(
            "watchdog-silent",
            functions["watchdog"].metric_invocations(statistic="Sum", period=five),
            1,
            2,
            "Nobody watches the deadlines: the watchdog was not called for ten minutes. Look at its rule in EventBridge.",
            below=True,
            missing_is_bad=True,
        ),
        _Watched(
            "conductor-behind",
            functions["conductor"].metric("IteratorAge", statistic="Maximum", period=minute),
            120_000,
            3,
            "People wait more than two minutes for an answer. Look at the log of conductor.",
        ),
        _Watched(
            "effects-behind",
            functions["effects"].metric("IteratorAge", statistic="Maximum", period=minute),
            300_000,
            3,
            "What should be on GitHub is late by more than five minutes. Look at the log of effects: GitHub may hold us back.",
        ),
        _Watched(
            "lost",
            lost.metric_approximate_number_of_messages_visible(statistic="Maximum", period=five),
            0,
            1,
            "A call failed for good. The record it was about is still in the table and is rung for again; the message in the "
            "queue names the function. Empty the queue when you have looked.",
        ),
        _Watched(
            "conductor-faults",
            _own(stack, "ConductorFaults", "conductor", five),
            3,
            2,
            "The conductor failed on an issue again and again. Search its log for conductor.fault.",
        ),
        _Watched(
            "deliveries-missed",
            _own(stack, "DeliveriesMissed", "watchdog", five),
            5,
            2,
            "GitHub could not hand over webhooks; the watchdog fetched them late. Look at the App's page, Advanced, Recent "
            "Deliveries.",
        ),
    ]


def _own(stack: str, name: str, service: str, period: Duration) -> cloudwatch.Metric:
    """A metric that a handler of this installation writes into its log (`shared/metrics.py`)."""
    return cloudwatch.Metric(
        namespace=stack,
        metric_name=name,
        dimensions_map={"service": service},
        statistic="Sum",
        period=period,
    )
