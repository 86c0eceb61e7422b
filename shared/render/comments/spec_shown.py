"""`spec`: a version shown again. It holds no box: what can be ticked is the comment that was posted for it."""

from __future__ import annotations

from shared.domain.messages import SpecShown
from shared.domain.view import View
from shared.render.forms import login, until
from shared.render.links import spec_link
from shared.render.markdown import command_fence, paragraphs
from shared.render.spec_comment import checks_fold, contract, record_of, sources_fold


def spec_shown(message: SpecShown, view: View) -> str:
    version = message.version
    record = record_of(view, version)
    if record is None:
        return paragraphs(f"**Spec v{version}** stands in {spec_link(view, version, 'its own comment')}.")
    approval = view.issue.approval
    if approval is not None and approval.version == version:
        state = f"approved by {login(approval.by)}, {until(approval.at)}"
    elif view.issue.phase == "proposed" and view.issue.version == version:
        state = "waits for approval"
    else:
        state = "not approved"
    approvable = state == "waits for approval" and not record.cannot_run
    return paragraphs(
        f"**Spec {spec_link(view, version)}, {state}**",
        *contract(view, record),
        command_fence(f"{view.operator.command} approve v{version}") if approvable else "",
        checks_fold(record.spec),
        sources_fold(view, record.spec),
        f"Text fingerprint `{record.sha256[:8]}`",
    )
