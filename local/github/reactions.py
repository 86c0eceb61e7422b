"""Reactions on issues, comments and review comments."""

from typing import Any

from local.github.call import Call, route
from local.github.issue_state import Reaction
from local.github.refusals import invalid, not_found
from local.github.shapes import user_shape
from local.github.state import World, iso, node_id

CONTENTS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


def rollup(url: str, reactions: list[Reaction]) -> dict[str, Any]:
    """The `reactions` object: a count of each."""
    counts = {content: sum(1 for one in reactions if one.content == content) for content in CONTENTS}
    return {"url": url, "total_count": len(reactions), **counts}


def reaction_shape(world: World, reaction: Reaction) -> dict[str, Any]:
    return {
        "id": reaction.id,
        "node_id": reaction.node_id,
        "user": user_shape(world, reaction.user),
        "content": reaction.content,
        "created_at": iso(reaction.created_at),
    }


def _react(call: Call, reactions: list[Reaction]) -> tuple[int, dict[str, Any], Reaction]:
    content = call.text("content", required=True)
    if content not in CONTENTS:
        raise invalid("Reaction", field="content", code="invalid")
    for known in reactions:
        if known.content == content and known.user is call.account:
            return 200, reaction_shape(call.world, known), known
    number = call.world.next_id("reaction")
    new = Reaction(number, node_id("reaction", number), call.account, content, call.world.now())
    reactions.append(new)
    return 201, reaction_shape(call.world, new), new


def _target(call: Call, level: str) -> tuple[str, Any, list[Reaction]]:
    """What is reacted to: an issue (`number`), an issue comment or a review comment (`id`)."""
    if "number" in call.args:
        from local.github.issues import find_issue

        issue = find_issue(call, level)
        return "issue", issue.number, issue.reactions
    if "/pulls/comments/" in call.path:
        from local.github.review_comments import find_review_comment

        spoken = find_review_comment(call, level)
        return "review_comment", spoken.id, spoken.reactions
    from local.github.comments import find_comment

    comment = find_comment(call, level)
    return "comment", comment.id, comment.reactions


_PLACES = ("issues/{number}/reactions", "issues/comments/{id}/reactions", "pulls/comments/{id}/reactions")


def _create(call: Call) -> Any:
    """201 for a new reaction, 200 for one that is there already."""
    kind, number, reactions = _target(call, "write")
    status, shape, reaction = _react(call, reactions)
    if status == 201:
        call.note("reaction", reaction.id, call.repository(), what=reaction.content, on=f"{kind} {number}")
    return status, shape


def _list(call: Call) -> Any:
    _, _, reactions = _target(call, "read")
    content = call.query.get("content")
    found = [one for one in reactions if content in (None, one.content)]
    return [reaction_shape(call.world, one) for one in call.page(found)]


def _delete(call: Call) -> Any:
    kind, number, reactions = _target(call, "write")
    for reaction in reactions:
        if str(reaction.id) == call.args["reaction"] and reaction.user is call.account:
            reactions.remove(reaction)
            call.note("reaction", reaction.id, call.repository(), what="removed", on=f"{kind} {number}")
            return 204, None
    raise not_found()


for _place in _PLACES:
    route("POST", f"/repos/{{owner}}/{{repo}}/{_place}")(_create)
    route("GET", f"/repos/{{owner}}/{{repo}}/{_place}")(_list)
    route("DELETE", f"/repos/{{owner}}/{{repo}}/{_place}/{{reaction}}")(_delete)
