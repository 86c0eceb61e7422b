"""Addresses that people type."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from shared.errors import NotConfigured


def public_address(url: str | None) -> str | None:
    """Without the slash at its end. Raises NotConfigured for what GitHub cannot reach or should not use."""
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise NotConfigured(f"--url is {url!r}", "give the whole address that a tunnel printed, with https://")
    if parts.hostname == "localhost" or _is_private(parts.hostname):
        raise NotConfigured(f"GitHub cannot reach {parts.hostname}", "leave --url out: then GitHub is asked instead")
    return url.rstrip("/")


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
