"""The functions' own metrics (embedded metric format: a line in the log). Each installation has a namespace of its own."""

from __future__ import annotations

import os

from aws_lambda_powertools import Metrics

NAMESPACE = "POWERTOOLS_METRICS_NAMESPACE"
"""The library's own variable, which the stack sets; without a stack nobody collects them."""


def metrics_of(service: str) -> Metrics:
    return Metrics(namespace=os.environ.get(NAMESPACE) or "Persevere", service=service)
