"""How the operator hears of it: a topic, an address if there is one, and a budget."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

WARN_AT_PERCENT = 80


class Telling(Construct):
    """The budget is of the whole account: a part of a bill can be told only where cost allocation tags were switched on,
    and a budget that sees nothing never warns."""

    def __init__(self, scope: Construct, name: str, *, stack: str, email: str, budget_usd: int) -> None:
        super().__init__(scope, name)
        self.topic = sns.Topic(self, "Alarms", display_name=f"{stack} alarms", enforce_ssl=True)
        if email:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))
        # A policy of its own takes the place of the topic's first one, by which this account's alarms could publish.
        self._may_publish("cloudwatch.amazonaws.com")
        if budget_usd:
            self._may_publish("budgets.amazonaws.com")
            self._budget(stack, budget_usd)

    def _may_publish(self, service: str) -> None:
        """A service of AWS, on behalf of this account alone."""
        ours = {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        self.topic.grant_publish(iam.ServicePrincipal(service, conditions=ours))

    def _budget(self, stack: str, dollars: int) -> None:
        budget = budgets.CfnBudget
        subscriber = budget.SubscriberProperty(subscription_type="SNS", address=self.topic.topic_arn)
        warnings = [
            budget.NotificationWithSubscribersProperty(
                notification=budget.NotificationProperty(
                    notification_type=kind, comparison_operator="GREATER_THAN", threshold=percent
                ),
                subscribers=[subscriber],
            )
            for kind, percent in (("ACTUAL", WARN_AT_PERCENT), ("FORECASTED", 100))
        ]
        made = budget(
            self,
            "Budget",
            budget=budget.BudgetDataProperty(
                budget_name=f"{stack}-month",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budget.SpendProperty(amount=dollars, unit="USD"),
            ),
            notifications_with_subscribers=warnings,
        )
        policy = self.topic.node.try_find_child("Policy")
        if policy is not None:  # AWS refuses a budget whose topic does not let it publish
            made.node.add_dependency(policy)
