"""Repository, list, commit, file and check run pages."""

from local.github import git
from local.github.check_state import CheckRun
from local.github.commits import verification
from local.github.issue_state import Issue
from local.github.pages.conversation import files_section, newest_runs
from local.github.pages.layout import address, e, label, mark, page, state_of, when, who
from local.github.pages.markdown import render
from local.github.state import Repository, World


def front_page(world: World) -> str:
    """All repositories, with their issues and pull requests."""
    made = "<h1>Repositories</h1>"
    for repository in world.repositories.values():
        at = f"/{e(repository.full_name)}"
        rows = "".join(_row(issue) for issue in sorted(repository.issues.values(), key=lambda i: -i.number))
        made += f'<div class="box"><div class="head"><a href="{at}"><b>{e(repository.full_name)}</b></a> '
        made += f"{e(repository.description or '')}</div>{rows}</div>"
    return page("Repositories", made)


def _row(issue: Issue) -> str:
    kind = "pull" if issue.pull else "issues"
    link = f'<a href="/{e(issue.repository.full_name)}/{kind}/{issue.number}">{e(issue.title)}</a>'
    labels = " ".join(label(one) for one in issue.labels)
    return f'<div class="row">{state_of(issue)} {link} {labels} <span class="dim">#{issue.number} by {who(issue.user)}</span></div>'


def list_page(repository: Repository, *, pulls: bool) -> str:
    """Issues, or pull requests, newest first."""
    found = [issue for issue in repository.issues.values() if bool(issue.pull) == pulls]
    rows = "".join(_row(issue) for issue in sorted(found, key=lambda one: -one.number))
    title = "Pull requests" if pulls else "Issues"
    return page(title, f'<h1>{title}</h1><div class="box">{rows or "<div class=row>None.</div>"}</div>', repository)


def repository_page(repository: Repository) -> str:
    """Files of the default branch, branches and the README."""
    made = f"<h1>{e(repository.name)}</h1><p>{e(repository.description or '')}</p>"
    head = git.ref_sha(repository.path, f"refs/heads/{repository.default_branch}")
    if head is None:
        return page(repository.full_name, made + '<p class="dim">This repository is empty.</p>', repository)
    at = f"/{e(repository.full_name)}"
    entries = git.list_tree(repository.path, head)
    rows = "".join(
        f'<div class="row"><a href="{at}/{"tree" if one.type == "tree" else "blob"}/{e(repository.default_branch)}/{address(one.path)}">'
        f"{e(one.path)}{'/' if one.type == 'tree' else ''}</a></div>"
        for one in sorted(entries, key=lambda one: (one.type != "tree", one.path))
    )
    made += f'<div class="box">{rows}</div><h2>Branches</h2><div class="box">'
    for name, _, sha in git.refs(repository.path, "refs/heads/"):
        short = name.removeprefix("refs/heads/")
        made += f'<div class="row"><a href="{at}/commits/{e(short)}">{e(short)}</a> <a class="dim" href="{at}/commit/{sha}"><code>{sha[:7]}</code></a></div>'
    made += "</div>"
    for one in entries:
        if one.path.lower() == "readme.md":
            text = git.read_blob(repository.path, one.sha).decode("utf-8", "replace")
            made += f'<div class="box"><div class="head"><b>{e(one.path)}</b></div><div class="body">{render(text)}</div></div>'
    return page(repository.full_name, made, repository)


def file_page(repository: Repository, ref: str, path: str) -> str | None:
    """A file or directory at a ref; None when there is none."""
    sha = git.resolve(repository.path, ref)
    entries = git.list_tree(repository.path, sha, under=path) if sha else []
    found = next((one for one in entries if one.path == path), None)
    if sha is None or found is None:
        return None
    title = f"<h1><code>{e(path)}</code></h1>"
    if found.type == "tree":
        rows = "".join(
            f'<div class="row"><a href="/{e(repository.full_name)}/{"tree" if one.type == "tree" else "blob"}/{e(ref)}/{address(one.path)}">'
            f"{e(one.path)}</a></div>"
            for one in git.list_tree(repository.path, sha, under=f"{path}/")
        )
        return page(path, f'{title}<div class="box">{rows}</div>', repository)
    content = git.read_blob(repository.path, found.sha) if found.type == "blob" else b""
    text = content.decode("utf-8", "replace") if b"\0" not in content else "(binary)"
    return page(path, f'{title}<div class="box"><div class="body"><pre>{e(text)}</pre></div></div>', repository)


def commits_page(repository: Repository, ref: str) -> str | None:
    """The newest 50 commits of a branch; None when there is none."""
    sha = git.resolve(repository.path, ref)
    if sha is None:
        return None
    rows = ""
    for one in git.git(repository.path, "rev-list", "--max-count=50", sha).decode().split():
        commit = git.read_commit(repository.path, one)
        rows += f'<div class="row">{_checks_mark(repository, one)}<a href="/{e(repository.full_name)}/commit/{one}">'
        rows += f"{e(commit.message.splitlines()[0] if commit.message else '(no message)')}</a>{_badge(repository, commit)} "
        rows += f'<span class="dim">{e(commit.author.name)} · {e(commit.committer.at)} · <code>{one[:7]}</code></span></div>'
    return page(
        f"Commits · {ref}", f'<h1>Commits on <code>{e(ref)}</code></h1><div class="box">{rows}</div>', repository
    )


def _checks_mark(repository: Repository, sha: str) -> str:
    return "".join(mark(run.status, run.conclusion) for run in newest_runs(repository, sha)[:5])


def _badge(repository: Repository, commit: git.Commit) -> str:
    return ' <span class="verified">Verified</span>' if verification(repository, commit)["verified"] else ""


def commit_page(repository: Repository, name: str) -> str | None:
    """A commit with its checks and diff; None when there is none."""
    sha = git.resolve(repository.path, name)
    if sha is None:
        return None
    commit = git.read_commit(repository.path, sha)
    title, _, rest = commit.message.partition("\n")
    made = f"<h1>{e(title)}</h1>{_badge(repository, commit)}"
    if rest.strip():
        made += f"<pre>{e(rest.strip())}</pre>"
    parents = ", ".join(
        f'<a href="/{e(repository.full_name)}/commit/{one}"><code>{one[:7]}</code></a>' for one in commit.parents
    )
    made += f'<p class="meta">{e(commit.author.name)} · {e(commit.author.at)} · <code>{sha}</code> · parent {parents or "none"}</p>'
    runs = newest_runs(repository, sha)
    if runs:
        made += '<div class="box">' + "".join(
            f'<div class="row">{mark(run.status, run.conclusion)} <a href="/{e(repository.full_name)}/runs/{run.id}">{e(run.name)}</a> '
            f'<span class="dim">{e(run.title or "")}</span></div>'
            for run in runs
        ) + "</div>"  # fmt: skip
    made += files_section(repository, commit.parents[0] if commit.parents else None, sha)
    return page(title, made, repository)


def run_page(run: CheckRun) -> str:
    """A check run: title, summary, text, annotations, buttons."""
    at = f"/{e(run.repository.full_name)}"
    word = (run.conclusion or run.status).replace("_", " ")
    made = f"<h1>{mark(run.status, run.conclusion)} {e(run.name)}</h1>"
    made += f'<p class="meta">{e(word)} · {who(run.app.bot)} · started {when(run.started_at)}'
    made += f" · completed {when(run.completed_at)}" if run.completed_at else ""
    made += f' · on <a href="{at}/commit/{run.head_sha}"><code>{run.head_sha[:7]}</code></a></p>'
    for action in run.actions if run.status == "completed" else []:
        made += f'<span class="button" title="{e(action["description"])}">{e(action["label"])}</span>'
    made += f"<h2>{e(run.title or 'No title')}</h2>"
    for text in (run.summary, run.text):
        if text:
            made += f'<div class="box"><div class="body">{render(text)}</div></div>'
    if run.annotations:
        made += "<h2>Annotations</h2>"
    for one in run.annotations:
        place = f"{e(one['path'])}:{one['start_line']}"
        made += f'<div class="box"><div class="head">{e(one["annotation_level"])} · <code>{place}</code> <b>{e(one["title"] or "")}</b></div>'
        made += f'<div class="body"><pre>{e(one["message"])}</pre></div></div>'
    return page(run.name, made, run.repository)
