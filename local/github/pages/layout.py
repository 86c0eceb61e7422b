"""The frame around every page, and the pieces that several of them share."""

import html
from typing import Any
from urllib.parse import quote

from local.github.issue_state import Issue, Label
from local.github.state import Account, Repository, iso

STYLE = """
:root{--line:#d1d9e0;--dim:#59636e;--link:#0969da;--soft:#f6f8fa;--green:#1a7f37;--red:#cf222e;--purple:#8250df;--amber:#9a6700}
*{box-sizing:border-box}body{margin:0;font:15px/1.5 -apple-system,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif;color:#1f2328}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
header.top{background:var(--soft);border-bottom:1px solid var(--line);padding:12px 24px;font-weight:600}
nav{padding:0 24px;border-bottom:1px solid var(--line);background:var(--soft)}nav a{display:inline-block;padding:8px 14px 8px 0;color:#1f2328}
main{max-width:1012px;margin:24px auto;padding:0 24px}h1{font-size:26px;font-weight:500;margin:0 0 8px}h1 .no{color:var(--dim);font-weight:300}
h2{font-size:19px;margin:28px 0 8px;border-bottom:1px solid var(--line);padding-bottom:6px}
.state{display:inline-block;border-radius:2em;padding:4px 12px;color:#fff;font-size:14px;font-weight:500;background:var(--green)}
.state.closed{background:var(--red)}.state.merged,.state.completed{background:var(--purple)}.state.draft{background:var(--dim)}
.meta,.dim{color:var(--dim);font-size:14px}.box{border:1px solid var(--line);border-radius:6px;margin:16px 0;overflow:hidden}
.box>.head{background:var(--soft);border-bottom:1px solid var(--line);padding:8px 16px;font-size:14px;color:var(--dim)}
.box>.head b{color:#1f2328}.box>.body{padding:16px;overflow-wrap:anywhere}.box>.row{padding:8px 16px;border-top:1px solid var(--line)}
.box>.row:first-child{border-top:0}.tag{border:1px solid var(--line);border-radius:2em;padding:0 7px;font-size:12px;color:var(--dim);font-weight:500}
.label{display:inline-block;border-radius:2em;padding:0 8px;font-size:12px;font-weight:600;border:1px solid rgba(31,35,40,.15)}
.event{color:var(--dim);font-size:14px;margin:10px 0 10px 16px;padding-left:14px;border-left:2px solid var(--line)}
.react{display:inline-block;border:1px solid var(--line);border-radius:2em;padding:0 8px;font-size:13px;margin:8px 4px 0 0}
details.folded{border:1px solid var(--line);border-radius:6px;margin:16px 0;padding:8px 16px;color:var(--dim)}
details.folded[open]{padding-bottom:0}.body pre,pre.patch{background:var(--soft);padding:12px;overflow:auto;border-radius:6px;font-size:13px;line-height:1.45}
code{background:rgba(129,139,152,.12);border-radius:6px;padding:.15em .35em;font:85% ui-monospace,"SFMono-Regular",Menlo,Consolas,monospace}
pre code{background:none;padding:0;font-size:100%}.body table{border-collapse:collapse;margin:8px 0;display:block;overflow:auto}
.body td,.body th{border:1px solid var(--line);padding:6px 13px}.body blockquote{margin:0 0 12px;padding:0 1em;color:var(--dim);border-left:.25em solid var(--line)}
.body h1,.body h2,.body h3{margin:16px 0 8px}.body h2{font-size:20px}.body h3{font-size:17px}.body h1{font-size:24px;font-weight:600}
.body>:first-child{margin-top:0}.body>:last-child{margin-bottom:0}.body ul.contains-task-list{list-style:none;padding-left:20px}
.body details{margin:8px 0}.body summary{cursor:pointer}.mention{font-weight:600}.dot{font-weight:700;display:inline-block;width:1.4em}
.success{color:var(--green)}.failure,.timed_out,.cancelled{color:var(--red)}.neutral,.skipped,.stale{color:var(--dim)}.action_required,.in_progress,.queued{color:var(--amber)}
pre.patch{margin:0;border-radius:0;background:#fff}pre.patch span{display:block;min-height:1.2em}.add{background:#dafbe1}.del{background:#ffebe9}.hunk{background:#ddf4ff;color:var(--dim)}
table.plain{border-collapse:collapse;width:100%}table.plain td{padding:6px 12px;border-top:1px solid var(--line)}
.button{display:inline-block;border:1px solid var(--line);border-radius:6px;padding:3px 12px;background:var(--soft);font-size:14px;margin-right:8px}
.verified{border:1px solid var(--green);color:var(--green);border-radius:2em;padding:0 7px;font-size:12px}
"""
MARKS = {
    "success": "✓", "failure": "✗", "timed_out": "✗", "cancelled": "⊘", "action_required": "!", "neutral": "▪",
    "skipped": "⊘", "stale": "⊘", "in_progress": "●", "queued": "○",
}  # fmt: skip
REACTIONS = {
    "+1": "👍", "-1": "👎", "laugh": "😄", "confused": "😕", "heart": "❤️", "hooray": "🎉", "rocket": "🚀", "eyes": "👀",
}  # fmt: skip


def e(value: Any) -> str:
    """Escaped for text and attributes. What is no UTF-8 in a file's name becomes `?`."""
    return html.escape(str(value).encode("utf-8", "replace").decode(), quote=True)


def address(path: str) -> str:
    """A file's path as a link has it: blanks, `#`, `?` and `%` are part of a name."""
    return e(quote(path, errors="surrogateescape"))


def page(title: str, body: str, repository: Repository | None = None) -> str:
    """A whole document."""
    top, nav = '<a href="/">GitHub simulator</a>', ""
    if repository is not None:
        at = f"/{e(repository.full_name)}"
        top += f' / <a href="{at}">{e(repository.full_name)}</a>'
        top += f' <span class="tag">{"Private" if repository.private else "Public"}</span>'
        nav = (
            f'<nav><a href="{at}">Code</a><a href="{at}/issues">Issues</a><a href="{at}/pulls">Pull requests</a>'
            f'<a href="{at}/commits/{e(repository.default_branch)}">Commits</a></nav>'
        )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{e(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f'<body><header class="top">{top}</header>{nav}<main>{body}</main></body></html>\n'
    )


def when(at: float | None) -> str:
    """A moment as people read it, in UTC."""
    text = iso(at) or ""
    return f'<time datetime="{text}">{text[:10]} {text[11:16]} UTC</time>'


def who(account: Account) -> str:
    """A login; bots are marked."""
    tag = ' <span class="tag">bot</span>' if account.type == "Bot" else ""
    return f"<b>{e(account.login.removesuffix('[bot]'))}</b>{tag}"


def label(one: Label) -> str:
    return f'<span class="label" style="background:#{e(one.color)}">{e(one.name)}</span>'


def state_of(issue: Issue) -> str:
    """The coloured pill beside the title."""
    pull = issue.pull
    if pull and pull.merged_at:
        return '<span class="state merged">Merged</span>'
    if issue.state == "closed":
        return f'<span class="state {"closed" if pull or issue.state_reason == "not_planned" else "completed"}">Closed</span>'
    if pull and pull.draft:
        return '<span class="state draft">Draft</span>'
    return '<span class="state">Open</span>'


def mark(status: str, conclusion: str | None) -> str:
    """The sign of a check."""
    word = conclusion or status
    return f'<span class="dot {e(word)}" title="{e(word)}">{MARKS.get(word, "?")}</span>'


def reactions(found: Any) -> str:
    """Counts under a text."""
    counts: dict[str, int] = {}
    for one in found:
        counts[one.content] = counts.get(one.content, 0) + 1
    return "".join(f'<span class="react">{REACTIONS[name]} {n}</span>' for name, n in counts.items())
