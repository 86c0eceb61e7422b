"""The four secrets. The stack makes the places; `persevere init` fills them, so no value is ever in a template."""

from __future__ import annotations

from aws_cdk import CfnResource, RemovalPolicy
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct


class Secrets(Construct):
    """`app`: the GitHub App's private key. `webhook`: a JSON list, the first signs. `keys`: lists for tickets, markers
    and blob links. `model`: the providers' keys, all in one, since each secret costs the same."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        self.app = self._empty("App", "The GitHub App's private key and ids. Read by the two token functions alone.")
        self.webhook = self._empty(
            "Webhook", "JSON list of webhook secrets; any verifies, so one can be changed in peace."
        )
        self.keys = self._empty("Keys", "JSON: lists of keys for tickets, markers and blob links; the first one signs.")
        self.model = self._empty("Model", "JSON: a key for each model provider in use.")

    def _empty(self, name: str, description: str) -> str:
        """The ARN of a secret without a value: reading it fails until somebody sets one."""
        secret = secretsmanager.CfnSecret(self, name, description=description)
        _keep(secret)
        return secret.ref


def _keep(secret: CfnResource) -> None:
    """Markers and tickets of a table that outlives the stack can be checked only with the keys that made them. What was
    made by a deployment that failed is empty, costs money, and goes."""
    secret.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
