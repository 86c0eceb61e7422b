"""What GitHub says: whether it answers, knows our App and its key, and lets it do what it has to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from local.doctor.finding import Context, Finding, NotAsked, fail, ok, warn
from local.host_lock import holder
from local.setup.manifest import EVENTS, NO_ADDRESS, permissions
from local.up.hook import BEFORE, Hook
from shared.errors import PersevereError
from shared.github.answers import BadCredentials, NotFound
from shared.github.deliveries import AppDeliveries
from shared.github.installations import Installation

SKEW_WARN_S, SKEW_FAIL_S = 10.0, 55.0
"""GitHub refuses a proof from the future; ours is dated back by a minute."""
LITTLE_LEFT = 500
DAY_MS = 86_400_000
NOT_WANTED = ("workflows", "administration", "secrets", "members")
_ORDER = {"read": 1, "write": 2, "admin": 3}


def reachable(context: Context) -> Finding:
    try:
        context.github  # noqa: B018 - asking is the check
    except PersevereError as error:
        return fail(
            f"{context.wire.url} does not answer: {error}",
            "look at the network and the proxy variables; www.githubstatus.com says when it is GitHub",
        )
    return ok(f"{context.wire.url} answers")


def clock(context: Context) -> Finding:
    try:
        skew = context.skew_s()
    except (PersevereError, ValueError) as error:
        raise NotAsked from error
    shown = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} GitHub's"
    if abs(skew) >= SKEW_FAIL_S:
        return fail(shown, "set this machine's clock (timedatectl set-ntp true); GitHub refuses our proofs with it")
    if abs(skew) >= SKEW_WARN_S:
        return warn(shown, "let the clock be set by the network (timedatectl set-ntp true)")
    return ok(f"{abs(skew):.0f} s from GitHub's")


def app_file(context: Context) -> Finding:
    try:
        app = context.app
    except NotAsked:
        return fail("there is no App here yet", "persevere init --local")
    if app.github_url and app.github_url != context.settings.github_url:
        return fail(
            f"{app.slug} belongs to {app.github_url}, and PERSEVERE_GITHUB_URL is {context.settings.github_url}",
            "set PERSEVERE_GITHUB_URL to it, or another PERSEVERE_HOME",
        )
    return ok(f"{app.slug}, id {app.id}")


def key(context: Context) -> Finding:
    context.app  # noqa: B018 - without one there is nothing to try
    try:
        there = context.installations.app()
    except BadCredentials as error:
        return fail(
            f"GitHub refuses the App's key: {error.words}",
            f"make a new key at {context.app_page} and put it into {context.key_place}, or `{context.init} --again`; a wrong "
            "clock does this, too",
        )
    except NotFound:
        return fail("GitHub knows no such App", f"was it deleted? `{context.init} --again` makes another")
    except PersevereError as error:
        raise NotAsked from error
    return ok(f"fits {there['slug']}")


def asked_permissions(context: Context) -> Iterator[Finding]:
    """What the App asks its installations for."""
    there: Mapping[str, str] = context.app_there.get("permissions") or {}
    missing = lacking(there)
    too_much = sorted(set(there) & set(NOT_WANTED))
    if missing:
        yield fail(
            f"the App does not ask for {missing}", f"set that under Permissions at {context.app_page}/permissions"
        )
    if too_much:
        yield warn(
            f"the App asks for {', '.join(too_much)}, which nothing here uses",
            f"take that away at {context.app_page}/permissions",
        )
    if not missing and not too_much:
        yield ok("the App asks for what it needs, and no more")


def installations(context: Context) -> Iterator[Finding]:
    """Where it is installed, and what was granted there: a new permission has to be accepted by each owner."""
    if not context.installed:
        yield fail("the App is not installed anywhere", f"install it: {context.app.installation_page}")
    for each in context.installed:
        missing = lacking(each.permissions)
        if each.suspended:
            yield warn(f"{each.account}: suspended", f"unsuspend it at {each.page}, or uninstall it there")
        elif missing:
            yield fail(
                f"{each.account} has not granted {missing}", f"an owner of {each.account} accepts it at {each.page}"
            )
        else:
            yield _reached(context, each)


def _reached(context: Context, each: Installation) -> Finding:
    try:
        names = [repository.full_name for repository in context.installations.repositories(each)]
    except PersevereError as error:
        return warn(f"{each.account}: its repositories cannot be listed ({error})", "try again in a minute")
    if not names:
        return warn(f"{each.account}: no repository is chosen", f"choose some at {each.page}")
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return ok(f"{each.account}: {shown}")


def lacking(granted: Mapping[str, str]) -> str:
    """Permissions that are needed and not there, in words; "" for none."""
    return ", ".join(
        f"{name.replace('_', ' ')}: {level}"
        for name, level in permissions().items()
        if _ORDER[level] > _ORDER.get(granted.get(name, ""), 0) and name != "metadata"
    )


def events(context: Context) -> Finding:
    """They matter with a webhook; who asks GitHub needs none."""
    missing = sorted(set(EVENTS) - set(context.app_there.get("events") or ()))
    if missing:
        return warn(
            f"the App does not subscribe to {', '.join(missing)}", f"tick them at {context.app_page}/permissions"
        )
    return ok(f"{len(EVENTS)} subscribed")


def webhook(context: Context) -> Finding:
    context.app_there  # noqa: B018 - nobody to ask otherwise
    try:
        address = Hook(context.settings.home, context.wire, context.tokens, context.app).address()
    except PersevereError as error:
        return warn(f"its address cannot be read ({error})", "try again in a minute")
    if address in ("", NO_ADDRESS):
        return ok("none: GitHub is asked instead")
    if (context.settings.home / BEFORE).exists() and holder(context.settings.home) is None:
        return warn(
            f"still points at {address}, and nobody is at work", "persevere up (with or without --url) mends it"
        )
    return ok(f"points at {address}")


def deliveries(context: Context) -> Finding:
    """What GitHub could not hand over in the last day. It keeps them for three."""
    context.app_there  # noqa: B018 - nobody to ask otherwise
    try:
        failed = AppDeliveries(context.wire, context.tokens).failed(context.clock.now() - DAY_MS)
    except PersevereError as error:
        return warn(f"the list cannot be read ({error})", "try again in a minute")
    if failed:
        return warn(f"{len(failed)} could not be handed over in the last day", context.on_missed)
    return ok("none failed in the last day")


def rate_limit(context: Context) -> Finding:
    """Requests that the hour still has, of the installation that has the fewest."""
    fewest: int | None = None
    for each in context.installed:
        if each.suspended:
            continue
        try:
            token = context.tokens.listing(each.id)
            core = context.wire.send("GET", "/rate_limit", token.value).body["resources"]["core"]
        except PersevereError as error:
            raise NotAsked from error
        fewest = min(core["remaining"], fewest if fewest is not None else core["remaining"])
    if fewest is None:
        raise NotAsked
    if fewest < LITTLE_LEFT:
        return warn(f"{fewest} requests left this hour", "wait an hour; does another program use this App?")
    return ok(f"{fewest} requests left this hour")
