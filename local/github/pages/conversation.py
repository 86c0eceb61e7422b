"""Issue and pull request pages: the conversation, the checks, the changed files."""

from local.github.check_state import CheckRun
from local.github.diff import changed_files
from local.github.git import commits_between, merge_base, read_commit
from local.github.issue_state import Comment, Issue, Pull, Review, ReviewComment, Thread
from local.github.pages.layout import e, label, mark, page, reactions, state_of, when, who
from local.github.pages.markdown import render
from local.github.shapes import association
from local.github.state import Repository


def conversation_page(issue: Issue) -> str:
    """An issue, or a pull request with checks and diff below the conversation."""
    pull = issue.pull
    head = f'<h1>{e(issue.title)} <span class="no">#{issue.number}</span></h1><p>{state_of(issue)} '
    if pull:
        count = len(commits_between(issue.repository.path, pull.base_sha, pull.head_sha))
        head += f'<span class="meta">{who(issue.user)} wants to merge {count} commit{"s" if count != 1 else ""} into '
        head += f"<code>{e(pull.base_ref)}</code> from <code>{e(pull.head_ref)}</code></span></p>"
    else:
        head += f'<span class="meta">{who(issue.user)} opened this {when(issue.created_at)}</span></p>'
    if issue.labels:
        head += "<p>" + " ".join(label(one) for one in issue.labels) + "</p>"
    if pull and pull.requested_reviewers:
        asked = ", ".join(who(one) for one in pull.requested_reviewers)
        head += f'<p class="meta">Review requested from {asked}</p>'
    if issue.locked:
        head += '<p class="meta">🔒 This conversation is locked to collaborators.</p>'
    timeline: list[tuple[float, int, str]] = []
    for place, event in enumerate(issue.events):
        what = f"{who(event['actor'])} {e(event['text'])} {when(event['at'])}"
        timeline.append((event["at"], place, f'<div class="event">{what}</div>'))
    timeline += [(one.created_at, one.id, _comment(issue.repository, one)) for one in issue.comments]
    if pull:
        timeline += [(review.submitted_at or 0, review.id, _review(review)) for review in pull.reviews]
        timeline += [(one.comments[0].created_at, one.comments[0].id, _thread(one)) for one in pull.threads]
    timeline.sort(key=lambda row: row[:2])
    first = _said(
        issue.user, issue.created_at, issue.body, association(issue.repository, issue.user), reactions(issue.reactions)
    )
    body = head + first + "".join(html for _, _, html in timeline)
    if pull:
        body += _checks(issue.repository, pull.head_sha) + _commits(issue, pull) + _files(issue, pull)
    return page(f"{issue.title} · #{issue.number}", body, issue.repository)


def _said(
    user: object, at: float, text: str | None, tag: str, below: str, anchor: str = "", edited: bool = False
) -> str:
    shown = render(text, breaks=True) if text else '<p class="dim"><em>No description provided.</em></p>'
    role = f' <span class="tag">{e(tag.capitalize())}</span>' if tag != "NONE" else ""
    later = " · edited" if edited else ""
    return (
        f'<div class="box"{anchor}><div class="head">{who(user)}{role} commented {when(at)}{later}</div>'  # type: ignore[arg-type]
        f'<div class="body">{shown}{below}</div></div>'
    )


def _comment(repository: Repository, comment: Comment) -> str:
    tag = association(repository, comment.user)
    anchor = f' id="issuecomment-{comment.id}"'
    edited = comment.updated_at > comment.created_at
    whole = _said(comment.user, comment.created_at, comment.body, tag, reactions(comment.reactions), anchor, edited)
    return _fold(whole, comment.minimized)


def _fold(whole: str, why: str | None) -> str:
    if why is None:
        return whole
    reason = why.lower().replace("_", "-")
    return f'<details class="folded"><summary>This comment was marked as {e(reason)}.</summary>{whole}</details>'


def _review(review: Review) -> str:
    said = {"APPROVED": "approved these changes", "CHANGES_REQUESTED": "requested changes", "COMMENTED": "reviewed"}
    what = said.get(review.state, review.state.lower())
    head = f'<div class="event" id="pullrequestreview-{review.id}">{who(review.user)} {what} {when(review.submitted_at)}</div>'
    return head + (
        f'<div class="box"><div class="body">{render(review.body, breaks=True)}</div></div>' if review.body else ""
    )


def _thread(thread: Thread) -> str:
    top = thread.comments[0]
    place = f"{e(top.path)}{f':{top.line}' if top.line else ''}"
    rows = "".join(_line_comment(one) for one in thread.comments)
    done = f'<div class="row dim">Resolved by {who(thread.resolved_by)}</div>' if thread.resolved_by else ""
    return f'<div class="box"><div class="head"><code>{place}</code></div>{rows}{done}</div>'


def _line_comment(one: ReviewComment) -> str:
    text = render(one.body, breaks=True)
    return f'<div class="row" id="discussion_r{one.id}">{who(one.user)} <span class="dim">{when(one.created_at)}</span>{text}</div>'


def newest_runs(repository: Repository, sha: str) -> list[CheckRun]:
    """The newest run of each name on a commit, oldest first."""
    runs = sorted((run for run in repository.check_runs.values() if run.head_sha == sha), key=lambda run: run.id)
    return sorted({(run.app.id, run.name): run for run in runs}.values(), key=lambda run: run.id)


def _checks(repository: Repository, sha: str) -> str:
    rows = []
    for run in newest_runs(repository, sha):
        link = f'<a href="/{e(repository.full_name)}/runs/{run.id}">{e(run.name)}</a>'
        word = (run.conclusion or run.status).replace("_", " ")
        rows.append(
            f'<div class="row">{mark(run.status, run.conclusion)} {link} <span class="dim">{e(run.title or "")} · {e(word)}</span></div>'
        )
    return f'<h2 id="checks">Checks</h2><div class="box">{"".join(rows) or _none("No checks on this commit.")}</div>'


def _none(text: str) -> str:
    return f'<div class="row dim">{e(text)}</div>'


def _commits(issue: Issue, pull: Pull) -> str:
    path, name = issue.repository.path, e(issue.repository.full_name)
    rows = []
    for sha in commits_between(path, pull.base_sha, pull.head_sha):
        commit = read_commit(path, sha)
        verified = ' <span class="verified">Verified</span>' if sha in issue.repository.signed else ""
        title = e(commit.message.split("\n")[0])
        rows.append(
            f'<div class="row"><a href="/{name}/commit/{sha}">{title}</a>{verified} '
            f'<span class="dim">{e(commit.author.name)} · <code>{sha[:7]}</code></span></div>'
        )
    return f'<h2 id="commits">Commits</h2><div class="box">{"".join(rows) or _none("No commits.")}</div>'


def _files(issue: Issue, pull: Pull) -> str:
    path = issue.repository.path
    return files_section(issue.repository, merge_base(path, pull.base_sha, pull.head_sha), pull.head_sha)


def files_section(repository: Repository, base: str | None, head: str) -> str:
    """The diff between two commits, a box for each file."""
    files = changed_files(repository.path, base, head)
    added, gone = sum(one["additions"] for one in files), sum(one["deletions"] for one in files)
    made = f'<h2 id="files">Files changed <span class="dim">{len(files)} · +{added} −{gone}</span></h2>'
    for one in files:
        before = f"{e(one['previous_filename'])} → " if one.get("previous_filename") else ""
        head_line = (
            f"{before}<b>{e(one['filename'])}</b> · {e(one['status'])} · +{one['additions']} −{one['deletions']}"
        )
        made += f'<div class="box"><div class="head">{head_line}</div>{patch(one.get("patch"))}</div>'
    return made


def patch(text: str | None) -> str:
    """A coloured diff; a line for what has none."""
    if not text:
        return '<div class="body dim">No text to show.</div>'
    kinds = {"+": "add", "-": "del", "@": "hunk"}
    lines = [f'<span class="{kinds.get(line[:1], "")}">{e(line)}</span>' for line in text.split("\n")]
    return f'<pre class="patch">{"".join(lines)}</pre>'
