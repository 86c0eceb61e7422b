"""Clipping, for texts: the algorithm is pure and lives with the domain, because the GitHub client needs it too."""

from __future__ import annotations

from shared.domain.clip import CLIPPED, clip, clip_line

__all__ = ["CLIPPED", "clip", "clip_line"]
