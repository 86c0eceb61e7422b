"""The message of a commit of ours: what, why, and the trailers by which it is found again."""

from __future__ import annotations

import re
import textwrap

from shared.domain.view import View
from shared.render.criteria import identity
from shared.render.markdown import plain

SUBJECT_MAX = 72
BODY_MAX = 1200
NO_REPLY = "users.noreply.github.com"  # docs.github.com/account-and-profile, "Setting your commit email address"


def render_commit(view: View, summary: str, effect_id: str) -> str:
    """Subject from the spec's title, body from its goals and the agent's `summary`, trailers last.

    Nothing foreign in it can mention, close, skip CI or pass for a trailer: it is broken up as plain words, and the
    trailers stand in a block of their own at the end.
    """
    record = view.approved or view.spec
    title = (record.spec.title if record else "") or view.issue.title
    subject = plain(title, SUBJECT_MAX) or f"Work on issue {view.issue.number}"
    parts = [_subject(subject), *_body(view, summary)]
    return "\n\n".join(part for part in parts if part) + "\n\n" + "\n".join(_trailers(view, effect_id)) + "\n"


def _subject(text: str) -> str:
    """No subject that git would strip as a comment or read as an instruction to fold it into another commit."""
    text = re.sub(r"^(?:fixup|squash|amend)!\s*", "", text.lstrip("#;").strip())
    return text or "Change"


def _body(view: View, summary: str) -> list[str]:
    record = view.approved or view.spec
    parts = []
    if record:
        parts.append(_wrap(" ".join(plain(goal, 400) for goal in record.spec.goals)))
        lines = [f"{identity(each)} ({each.kind}): {plain(each.text, 200)}" for each in record.spec.criteria]
        parts.append("\n".join(_wrap(f"- {line}", "  ") for line in lines))
    if summary.strip():
        parts.append(_wrap(f"The agent says: {plain(summary, BODY_MAX)}"))
    return parts


def _wrap(text: str, indent: str = "") -> str:
    """Lines of at most 72 characters, none of which can be taken for a trailer or a comment."""
    lines = textwrap.wrap(text, SUBJECT_MAX, subsequent_indent=indent, break_on_hyphens=False)
    return "\n".join(f" {line}" if re.match(r"#|[A-Za-z0-9-]+\s*:\s", line) else line for line in lines)


def _trailers(view: View, effect_id: str) -> list[str]:
    issue = view.issue
    lines = []
    who = issue.requester
    if who is not None and re.fullmatch(r"[A-Za-z0-9_-]+(\[bot\])?", who.login):
        lines.append(f"Co-authored-by: {who.login} <{who.id}+{who.login}@{NO_REPLY}>")
    record = view.approved or view.spec
    if record is not None:
        lines.append(f"Persevere-Spec: v{record.spec.version} {record.sha256[:8]}")
    return [*lines, f"Persevere-Effect: {effect_id}"]
