"""Secrets in what is about to be published: vendors' prefixes, private keys, and assignments that look random.

A finding names the line and the kind, never the value. Made to miss rather than to cry wolf where it guesses: the
assignment rule wants a telling name, a quoted value and high entropy.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

SCAN_MAX_BYTES = 2_000_000
LINE_MAX_CHARS = 4_000

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9._-]{36,}|github_pat_[A-Za-z0-9_]{50,})")),
    ("a GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}")),
    ("a Slack token", re.compile(r"\bxox[abeprs]-[A-Za-z0-9-]{10,}")),
    ("a model provider's key", re.compile(r"\bsk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{32,}")),
    ("a Google key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("a Stripe key", re.compile(r"\b(?:sk|rk)_live_[0-9A-Za-z]{20,}")),
    ("a package registry's token", re.compile(r"\b(?:npm_[A-Za-z0-9]{36}|pypi-AgE[A-Za-z0-9_-]{50,})")),
    ("a signed token", re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}")),
)
_ASSIGNMENT = re.compile(
    r"(?i)\b[\w.-]*(?:secret|passw(?:or)?d|api[_-]?key|access[_-]?key|auth[_-]?token|private[_-]?key)[\w.-]*"
    r"[\"']?\s*[:=]\s*[\"']([A-Za-z0-9+/=_.~-]{20,200})[\"']"
)
_PRETENDED = re.compile(r"(?i)example|sample|dummy|placeholder|changeme|your[_-]|xxxx|1234567|fake|test")
MIN_ENTROPY = 3.8  # bits a character: English words in snake case stay below, random base64 is above


def find_secrets(data: bytes) -> Iterator[tuple[int, str]]:
    """(line from 1, kind) of each line that seems to hold a secret; one finding a line. Binary data has none."""
    if b"\0" in data[:8000]:
        return
    for number, line in enumerate(data[:SCAN_MAX_BYTES].decode("utf-8", "replace").splitlines(), start=1):
        kind = _kind_of(line[:LINE_MAX_CHARS])
        if kind:
            yield number, kind


def _kind_of(line: str) -> str:
    for kind, pattern in _KINDS:
        found = pattern.search(line)
        if found and not _PRETENDED.search(found[0]):
            return kind
    assigned = _ASSIGNMENT.search(line)
    if assigned and not _PRETENDED.search(assigned[1]) and _looks_random(assigned[1]):
        return "a secret that is assigned"
    return ""


def _looks_random(value: str) -> bool:
    mixed = any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
    counts = Counter(value)
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return mixed and entropy >= MIN_ENTROPY
