"""JSON forms of accounts, Apps and repositories, as GitHub sends them."""

from typing import Any

from local.github import access
from local.github.state import Account, App, Installation, Repository, World, iso


def user_shape(world: World, account: Account) -> dict[str, Any]:
    """The short form of an account, found as `user`, `owner`, `sender`."""
    login = account.login
    api = f"{world.url}/users/{login}"
    page = f"{world.url}/apps/{login.removesuffix('[bot]')}" if account.type == "Bot" else f"{world.url}/{login}"
    return {
        "login": login,
        "id": account.id,
        "node_id": account.node_id,
        "avatar_url": f"{world.url}/avatars/{account.id}",
        "gravatar_id": "",
        "url": api,
        "html_url": page,
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": account.type,
        "user_view_type": "public",
        "site_admin": account.site_admin,
    }


def organization_shape(world: World, account: Account) -> dict[str, Any]:
    """The `organization` of webhooks."""
    api = f"{world.url}/orgs/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": account.node_id,
        "url": api,
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events",
        "hooks_url": f"{api}/hooks",
        "issues_url": f"{api}/issues",
        "members_url": f"{api}/members{{/member}}",
        "public_members_url": f"{api}/public_members{{/member}}",
        "avatar_url": f"{world.url}/avatars/{account.id}",
        "description": None,
    }


def maybe_user(world: World, account: Account | None) -> dict[str, Any] | None:
    return None if account is None else user_shape(world, account)


def full_user_shape(world: World, account: Account) -> dict[str, Any]:
    """The long form, from `GET /users/{login}`."""
    empty = dict.fromkeys(("company", "blog", "location", "hireable", "bio", "twitter_username"))
    return {
        **user_shape(world, account),
        **empty,
        "name": account.name,
        "email": None,
        "public_repos": sum(1 for r in world.repositories.values() if r.owner is account and not r.private),
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": iso(account.created_at),
        "updated_at": iso(account.created_at),
    }


def app_shape(world: World, app: App) -> dict[str, Any]:
    """An App, as `GET /app` and `performed_via_github_app` have it."""
    return {
        "id": app.id,
        "slug": app.slug,
        "node_id": app.node_id,
        "client_id": app.client_id,
        "owner": user_shape(world, app.owner),
        "name": app.name,
        "description": None,
        "external_url": world.url,
        "html_url": f"{world.url}/apps/{app.slug}",
        "created_at": iso(app.created_at),
        "updated_at": iso(app.updated_at),
        "permissions": app.permissions,
        "events": app.events,
    }


def maybe_app(world: World, app: App | None) -> dict[str, Any] | None:
    return None if app is None else app_shape(world, app)


def installation_shape(world: World, installation: Installation) -> dict[str, Any]:
    """An installation, as the API and the `installation` event have it."""
    kind = installation.account.type
    login = installation.account.login
    page = f"{world.url}/settings/installations/{installation.id}"
    if kind == "Organization":
        page = f"{world.url}/organizations/{login}/settings/installations/{installation.id}"
    return {
        "id": installation.id,
        "node_id": installation.node_id,
        "account": user_shape(world, installation.account),
        "repository_selection": installation.selection,
        "access_tokens_url": f"{world.url}/app/installations/{installation.id}/access_tokens",
        "repositories_url": f"{world.url}/installation/repositories",
        "html_url": page,
        "app_id": installation.app.id,
        "app_slug": installation.app.slug,
        "client_id": installation.app.client_id,
        "target_id": installation.account.id,
        "target_type": kind,
        "permissions": installation.permissions,
        "events": installation.events,
        "created_at": iso(installation.created_at),
        "updated_at": iso(installation.updated_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None,
        "suspended_at": iso(installation.suspended_at),
    }


_LINKS = (
    ("forks_url", "forks"),
    ("keys_url", "keys{/key_id}"),
    ("collaborators_url", "collaborators{/collaborator}"),
    ("teams_url", "teams"),
    ("hooks_url", "hooks"),
    ("issue_events_url", "issues/events{/number}"),
    ("events_url", "events"),
    ("assignees_url", "assignees{/user}"),
    ("branches_url", "branches{/branch}"),
    ("tags_url", "tags"),
    ("blobs_url", "git/blobs{/sha}"),
    ("git_tags_url", "git/tags{/sha}"),
    ("git_refs_url", "git/refs{/sha}"),
    ("trees_url", "git/trees{/sha}"),
    ("statuses_url", "statuses/{sha}"),
    ("languages_url", "languages"),
    ("stargazers_url", "stargazers"),
    ("contributors_url", "contributors"),
    ("subscribers_url", "subscribers"),
    ("subscription_url", "subscription"),
    ("commits_url", "commits{/sha}"),
    ("git_commits_url", "git/commits{/sha}"),
    ("comments_url", "comments{/number}"),
    ("issue_comment_url", "issues/comments{/number}"),
    ("contents_url", "contents/{+path}"),
    ("compare_url", "compare/{base}...{head}"),
    ("merges_url", "merges"),
    ("archive_url", "{archive_format}{/ref}"),
    ("downloads_url", "downloads"),
    ("issues_url", "issues{/number}"),
    ("pulls_url", "pulls{/number}"),
    ("milestones_url", "milestones{/number}"),
    ("notifications_url", "notifications{?since,all,participating}"),
    ("labels_url", "labels{/name}"),
    ("releases_url", "releases{/id}"),
    ("deployments_url", "deployments"),
)


def repository_shape(world: World, repository: Repository) -> dict[str, Any]:
    """A repository, as REST and webhooks have it."""
    api = f"{world.url}/repos/{repository.full_name}"
    page = f"{world.url}/{repository.full_name}"
    open_issues = sum(1 for issue in repository.issues.values() if issue.state == "open")
    return {
        "id": repository.id,
        "node_id": repository.node_id,
        "name": repository.name,
        "full_name": repository.full_name,
        "private": repository.private,
        "owner": user_shape(world, repository.owner),
        "html_url": page,
        "description": repository.description,
        "fork": False,
        "url": api,
        **{name: f"{api}/{tail}" for name, tail in _LINKS},
        "created_at": iso(repository.created_at),
        "updated_at": iso(repository.updated_at or repository.created_at),
        "pushed_at": iso(repository.pushed_at or repository.created_at),
        "git_url": f"git:{page.partition(':')[2]}.git",
        "ssh_url": f"git@127.0.0.1:{repository.full_name}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "homepage": None,
        "size": 0,
        "stargazers_count": 0,
        "watchers_count": 0,
        "language": None,
        "has_issues": repository.has_issues,
        "has_projects": True,
        "has_wiki": True,
        "has_pages": False,
        "has_discussions": False,
        "forks_count": 0,
        "mirror_url": None,
        "archived": repository.archived,
        "disabled": False,
        "open_issues_count": open_issues,
        "license": None,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "visibility": "private" if repository.private else "public",
        "forks": 0,
        "open_issues": open_issues,
        "watchers": 0,
        "default_branch": repository.default_branch,
    }


def association(repository: Repository, account: Account) -> str:
    """`author_association`, as far as the simulator knows it."""
    if account is repository.owner:
        return "OWNER"
    if account.login.lower() in repository.roles:
        return "MEMBER" if repository.owner.type == "Organization" else "COLLABORATOR"
    return "NONE"


def permissions_of(repository: Repository, account: Account) -> dict[str, bool]:
    """The `permissions` object of a repository or collaborator."""
    names = {"admin": "admin", "maintain": "maintain", "push": "write", "triage": "triage", "pull": "read"}
    return {name: access.holds_role(repository, account, role) for name, role in names.items()}
