"""How a provider is reached."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.llm.time_outs import CONNECT_S, SILENT_S


@dataclass(frozen=True, slots=True)
class Access:
    """How one provider is reached. `base_url` None is the provider's own; seconds until a call is given up."""

    key: str = field(repr=False)
    base_url: str | None = None
    connect_s: float = CONNECT_S
    silent_s: float = SILENT_S
    """Between two bytes, and before the first. The gateway's windows follow from both: nobody may make them longer."""
