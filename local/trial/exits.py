"""How a trial ends: its exit codes, and after what silence it gives up."""

from __future__ import annotations

PROVED, RED, BAD, WAITING, OFFLINE = 0, 1, 2, 3, 4
"""Everything proved; not; bad input; ended honestly as waiting; no network."""

INTERRUPTED = 130
"""Ctrl-C or SIGTERM: what a shell says of SIGINT."""

PATIENCE_S = 120.0
"""Without any change for so long, it ends red with where it stands."""
