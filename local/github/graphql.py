"""`POST /graphql`: checks a document against the types in use, then answers it."""

from dataclasses import dataclass, field
from typing import Any

from local.github import access
from local.github.call import Call, route
from local.github.graphql_language import Document, Field, Inline, Selection, Spread, SyntaxProblem, Variable, parse
from local.github.refusals import Refusal


class Problem(Exception):
    """A field that cannot be answered: GitHub's error type and message; its value becomes null."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass
class Connection:
    """A list that is paged with first, last, after, before."""

    items: list[Any]


@dataclass
class _Run:
    call: Call
    document: Document
    variables: dict[str, Any]
    errors: list[dict[str, Any]] = field(default_factory=list)


@route("POST", "/graphql")
def graphql(call: Call) -> Any:
    """200 with `data` and, when something is wrong, `errors`; 401 without credentials."""
    if isinstance(call.actor, access.Anonymous):
        raise Refusal(401, "This endpoint requires you to be authenticated.")
    if isinstance(call.actor, access.AppItself):
        raise Refusal(403, "Resource not accessible by integration")
    try:
        document = parse(call.text("query") or "")
    except SyntaxProblem as problem:
        return {"errors": [{"message": str(problem)}]}
    wanted = call.text("operationName")
    chosen = [one for one in document.operations if wanted in (None, one.name)]
    if len(chosen) != 1:
        return {"errors": [{"message": "An operation name is required"}]}
    operation = chosen[0]
    from local.github.graphql_types import TYPES

    given = call.body.get("variables") or {}
    root = "Mutation" if operation.kind == "mutation" else "Query"
    run = _Run(call, document, {name: given.get(name, default) for name, (_, default) in operation.variables.items()})
    for name, (kind, _) in operation.variables.items():
        if kind.endswith("!") and run.variables[name] is None:
            run.errors.append({"message": f"Variable ${name} of type {kind} was provided invalid value"})
    _check(
        run, operation.selections, root, [f"{operation.kind}{' ' + operation.name if operation.name else ''}"], TYPES
    )
    if run.errors:
        return {"errors": run.errors}
    data = _answer(run, operation.selections, root, None, [])
    return {"data": data, "errors": run.errors} if run.errors else {"data": data}


def _check(run: _Run, selections: list[Selection], kind: str, path: list[str], types: dict[str, Any]) -> None:
    """Refuse, before anything runs, what the types do not have."""
    for one in selections:
        match one:
            case Field(name="__typename"):
                continue
            case Field():
                known = types[kind].get(one.name)
                if known is None:
                    run.errors.append({
                        "path": [*path, one.alias],
                        "extensions": {"code": "undefinedField", "typeName": kind, "fieldName": one.name},
                        "message": f"Field '{one.name}' doesn't exist on type '{kind}'",
                    })  # fmt: skip
                    continue
                _check_arguments(run, one, kind, path, known)
                if known.type in types and not one.selections:
                    what = f"Field must have selections (field '{one.name}' returns {known.type} but has no selections."
                    run.errors.append({"path": [*path, one.alias], "message": what})
                elif known.type in types:
                    _check(run, one.selections, known.type, [*path, one.alias], types)
            case Spread(name=name):
                fragment = run.document.fragments.get(name)
                if fragment is None:
                    run.errors.append({"path": path, "message": f"Fragment {name} was used, but not defined"})
                elif fragment.type in types:
                    _check(run, fragment.selections, fragment.type, path, types)
            case Inline(type=type_name, selections=inside):
                if type_name is not None and type_name not in types:
                    run.errors.append(
                        {"path": path, "message": f"No such type {type_name}, so it can't be a fragment condition"}
                    )
                else:
                    _check(run, inside, type_name or kind, path, types)


def _check_arguments(run: _Run, one: Field, kind: str, path: list[str], known: Any) -> None:
    for name, value in one.arguments.items():
        if name not in known.arguments:
            run.errors.append({
                "path": [*path, one.alias, name],
                "extensions": {"code": "argumentNotAccepted", "name": one.name, "typeName": "Field", "argumentName": name},
                "message": f"Field '{one.name}' doesn't accept argument '{name}'",
            })  # fmt: skip
        if isinstance(value, Variable) and value.name not in run.variables:
            run.errors.append(
                {"path": [*path, one.alias, name], "message": f"Variable ${value.name} is used but not declared"}
            )
    for name in known.required:
        if name not in one.arguments:
            run.errors.append({
                "path": [*path, one.alias],
                "extensions": {"code": "missingRequiredArguments", "className": "Field", "name": one.name, "arguments": name},
                "message": f"Field '{one.name}' is missing required arguments: {name}",
            })  # fmt: skip
    if kind == "Mutation" and "input" in one.arguments:
        given = _value(run, one.arguments["input"]) or {}
        for name in given:
            if name not in (*known.inputs, "clientMutationId"):
                what = f"InputObject '{one.name[0].upper()}{one.name[1:]}Input' doesn't accept argument '{name}'"
                run.errors.append({"path": [*path, one.alias, "input", name], "message": what})
        for name in known.needed:
            if given.get(name) is None:
                what = f"Argument '{name}' on InputObject '{one.name[0].upper()}{one.name[1:]}Input' is required"
                run.errors.append({"path": [*path, one.alias, "input", name], "message": what})


def _value(run: _Run, value: Any) -> Any:
    match value:
        case Variable(name=name):
            return run.variables.get(name)
        case dict():
            return {key: _value(run, one) for key, one in value.items()}
        case list():
            return [_value(run, one) for one in value]
        case _:
            return value


def _answer(run: _Run, selections: list[Selection], kind: str, subject: Any, path: list[Any]) -> dict[str, Any]:
    from local.github.graphql_types import typename

    actual = kind if kind in ("Query", "Mutation") else typename(subject, kind)
    made: dict[str, Any] = {}
    for one in selections:
        match one:
            case Field(name="__typename"):
                made[one.alias] = actual
            case Field():
                if _wanted(run, one):
                    made[one.alias] = _field(run, one, actual, kind, subject, [*path, one.alias])
            case Spread(name=name):
                fragment = run.document.fragments[name]
                if _fits(fragment.type, actual):
                    made |= _answer(run, fragment.selections, fragment.type or kind, subject, path)
            case Inline(type=type_name, selections=inside):
                if _fits(type_name, actual):
                    made |= _answer(run, inside, type_name or kind, subject, path)
    return made


def _wanted(run: _Run, one: Field) -> bool:
    """Whether @include and @skip let the field through."""
    return all(bool(_value(run, given.get("if"))) == (name == "include") for name, given in one.directives)


def _fits(wanted: str | None, actual: str) -> bool:
    from local.github.graphql_types import INTERFACES

    return wanted in (None, actual) or actual in INTERFACES.get(str(wanted), ())


def _field(run: _Run, one: Field, actual: str, kind: str, subject: Any, path: list[Any]) -> Any:
    from local.github.graphql_types import TYPES

    known = TYPES[actual].get(one.name) or TYPES[kind][one.name]
    arguments = {name: _value(run, value) for name, value in one.arguments.items()}
    try:
        value = known.resolve(run.call, subject, arguments)
    except Problem as problem:
        run.call.note_refusal(200, problem.message)
        run.errors.append({"type": problem.kind, "path": path, "message": problem.message})
        return None
    except Refusal as refusal:
        run.call.note_refusal(200, refusal.message)
        kinds = {403: "FORBIDDEN", 404: "NOT_FOUND", 422: "UNPROCESSABLE"}
        run.errors.append(
            {"type": kinds.get(refusal.status, "SERVICE_UNAVAILABLE"), "path": path, "message": refusal.message}
        )
        return None
    if isinstance(value, Connection):
        try:
            value = _paged(value, arguments, one.name)
        except Problem as problem:
            run.errors.append({"type": problem.kind, "path": path, "message": problem.message})
            return None
    return _shaped(run, one, known.type, value, path)


def _shaped(run: _Run, one: Field, kind: str, value: Any, path: list[Any]) -> Any:
    if value is None or not one.selections:
        return value
    if isinstance(value, list):
        return [_shaped(run, one, kind, item, [*path, at]) for at, item in enumerate(value)]
    return _answer(run, one.selections, kind, value, path)


def _paged(found: Connection, arguments: dict[str, Any], name: str) -> dict[str, Any]:
    first, last = arguments.get("first"), arguments.get("last")
    if first is None and last is None:
        what = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
        raise Problem("MISSING_PAGINATION_BOUNDARIES", what)
    if (first or last or 0) > 100:
        what = (
            f"Requesting {first or last} records on the `{name}` connection exceeds the `first` limit of 100 records."
        )
        raise Problem("EXCESSIVE_PAGINATION", what)
    at = list(enumerate(found.items))
    if arguments.get("after"):
        at = [row for row in at if row[0] > _cursor(arguments["after"])]
    if arguments.get("before"):
        at = [row for row in at if row[0] < _cursor(arguments["before"])]
    whole = at
    at = at[:first] if first is not None else at[max(len(at) - int(last or 0), 0) :]
    info = {
        "hasNextPage": bool(at and at[-1] != whole[-1]),
        "hasPreviousPage": bool(at and at[0][0] > 0),
        "startCursor": str(at[0][0]) if at else None,
        "endCursor": str(at[-1][0]) if at else None,
    }
    edges = [{"cursor": str(number), "node": item} for number, item in at]
    return {"totalCount": len(found.items), "nodes": [item for _, item in at], "edges": edges, "pageInfo": info}


def _cursor(text: Any) -> int:
    if not str(text).isdigit():
        raise Problem("INVALID_CURSOR_ARGUMENTS", f"`{text}` does not appear to be a valid cursor.")
    return int(text)
