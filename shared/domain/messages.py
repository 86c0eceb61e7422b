"""What comments of ours say, as names and facts. `shared/render` has the words; the names here bind both sides.

A message is the data of a `comment` effect, so it never changes once wished. `to` is the login that it mentions.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from shared.domain.people import Person, Role
from shared.domain.shape import Shape


class Questions(Shape):
    """A round of questions; the words are in the issue's state."""

    name: Literal["questions"] = "questions"
    to: str
    round: int


# --- answers to a command -----------------------------------------------------------------------------------


class Help(Shape):
    name: Literal["help"] = "help"
    who: Person
    role: Role


class UnknownVerb(Shape):
    """`line` is the nearest thing that can be typed, or empty."""

    name: Literal["unknown_verb"] = "unknown_verb"
    word: str
    line: str = ""


class BadArguments(Shape):
    name: Literal["bad_arguments"] = "bad_arguments"
    verb: str
    why: str
    example: str


class NotAllowed(Shape):
    name: Literal["not_allowed"] = "not_allowed"
    verb: str
    who: str
    role: Role
    needed: Role
    checked_at: int


class StartFirst(Shape):
    """A triage verb before any writer's command."""

    name: Literal["start_first"] = "start_first"
    verb: str


class NotNow(Shape):
    """The verb makes no sense in this phase. `why` is a reason's name; `line` the one thing to type instead."""

    name: Literal["not_now"] = "not_now"
    verb: str
    phase: str
    why: str = ""
    line: str = ""


class RoleUnknown(Shape):
    """The permission look-up failed for so long that we stop trying."""

    name: Literal["role_unknown"] = "role_unknown"
    verb: str
    why: str
    since: int
    until: int
    still_trying: bool = False


class NotNewest(Shape):
    name: Literal["not_newest"] = "not_newest"
    asked: int
    newest: int
    posted_at: int | None = None


class NoSuchVersion(Shape):
    name: Literal["no_such_version"] = "no_such_version"
    asked: int
    newest: int


class WrongFingerprint(Shape):
    name: Literal["wrong_fingerprint"] = "wrong_fingerprint"
    given: str
    version: int
    real: str


class FingerprintWanted(Shape):
    """`approval: exact`: a box or a bare version is not enough here."""

    name: Literal["fingerprint_wanted"] = "fingerprint_wanted"
    version: int
    real: str


class AlteredSpec(Shape):
    """Somebody changed the text of our spec comment; `removed` and `added` are lines of a difference."""

    name: Literal["altered_spec"] = "altered_spec"
    version: int
    who: str
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


class TooOld(Shape):
    name: Literal["too_old"] = "too_old"
    version: int
    days: int


class AboveCeiling(Shape):
    name: Literal["above_ceiling"] = "above_ceiling"
    asked: str
    ceiling: str
    line: str
    per: str = "an issue"


class TwoPerson(Shape):
    name: Literal["two_person"] = "two_person"
    who: str


class AlreadyRunning(Shape):
    name: Literal["already_running"] = "already_running"
    version: int
    by: str
    at: int
    phase: str


class CannotRunHere(Shape):
    """Approval is refused: these checks cannot run here (criterion id -> reason)."""

    name: Literal["cannot_run_here"] = "cannot_run_here"
    version: int
    checks: dict[str, str]


class TooSmall(Shape):
    name: Literal["too_small"] = "too_small"
    limit: str
    step: str
    from_: str
    model: str


class PriceUnknown(Shape):
    name: Literal["price_unknown"] = "price_unknown"
    model: str
    known: tuple[str, ...] = ()


class ModelUnknown(Shape):
    """`model` with a name that is none of the operator's; `line` has the nearest, or is empty."""

    name: Literal["model_unknown"] = "model_unknown"
    word: str
    line: str = ""
    known: tuple[str, ...] = ()


class SpecShown(Shape):
    name: Literal["spec_shown"] = "spec_shown"
    version: int


class ContractChange(Shape):
    """A `say` that would change what was approved; `touches` names it, `line` is the revise command."""

    name: Literal["contract_change"] = "contract_change"
    touches: str
    line: str


class NotIncluded(Shape):
    """`why`: not_found, not_here, no_link, ours."""

    name: Literal["not_included"] = "not_included"
    link: str
    why: str


class SettingsBroken(Shape):
    name: Literal["settings_broken"] = "settings_broken"
    what: str
    line: int
    nearest: str = ""


class OfferApprove(Shape):
    """ "LGTM" while a spec waits: the line to type, once."""

    name: Literal["offer_approve"] = "offer_approve"
    version: int


class FactMissing(Shape):
    """Something on GitHub could not be read for so long that the command is given back."""

    name: Literal["fact_missing"] = "fact_missing"
    verb: str
    what: str
    why: str


class EmptyRepository(Shape):
    name: Literal["empty_repository"] = "empty_repository"


# --- halts that need a person ---------------------------------------------------------------------------------


class EndedUnproved(Shape):
    """After the last red round the issue waits; which criteria, and why, is in the state."""

    name: Literal["ended_unproved"] = "ended_unproved"
    to: str
    rounds: int


class OutOf(Shape):
    """Money or time is used up; `line` is the extend command."""

    name: Literal["out_of"] = "out_of"
    to: str
    what: Literal["money", "time"]
    line: str


class AskingUsedUp(Shape):
    name: Literal["asking_used_up"] = "asking_used_up"
    to: str
    spent: str
    limit: str


class NotPublished(Shape):
    """The change was refused before the first write. Each problem: path, rule, words. `patch`: what a person may apply."""

    name: Literal["not_published"] = "not_published"
    to: str
    problems: tuple[dict[str, str], ...]
    patch: str = ""
    line: str = ""


class NothingToBuild(Shape):
    name: Literal["nothing_to_build"] = "nothing_to_build"
    to: str
    criteria: tuple[str, ...]
    base: str
    spent: str


class NoChange(Shape):
    """The agent handed over an empty change although criteria are open."""

    name: Literal["no_change"] = "no_change"
    to: str
    summary: str
    spent: str


class CannotPrepare(Shape):
    """Clone or set-up failed. `stage`: clone, setup."""

    name: Literal["cannot_prepare"] = "cannot_prepare"
    to: str
    stage: str
    command: str
    reason: str
    tail: str = ""


class SpecTooLong(Shape):
    """A version whose text does not fit into one comment: nobody can be asked to approve what cannot be shown."""

    name: Literal["spec_too_long"] = "spec_too_long"
    to: str
    version: int
    words: str
    line: str


class BranchRefused(Shape):
    name: Literal["branch_refused"] = "branch_refused"
    to: str
    words: str
    line: str = ""


class BranchMoved(Shape):
    """A person pushed to our branch, or took it away; theirs is untouched, ours is kept."""

    name: Literal["branch_moved"] = "branch_moved"
    to: str
    branch: str
    found: str


class PullRefused(Shape):
    """GitHub refused the pull request, or a person closed it; `words` are GitHub's."""

    name: Literal["pull_refused"] = "pull_refused"
    to: str
    words: str
    line: str = ""


class ModelStopped(Shape):
    """`why`: refused, key, exhausted, stuck, invalid, busy, spend_cap, model. `other` is a line that chooses another;
    `again`: it is tried again without anybody's word.
    """

    name: Literal["model_stopped"] = "model_stopped"
    to: str
    model: str
    why: str
    detail: str
    spent: str
    line: str
    other: str = ""
    again: bool = False


class NoMachine(Shape):
    name: Literal["no_machine"] = "no_machine"
    to: str
    since: int
    why: str
    line: str


class PermissionMissing(Shape):
    name: Literal["permission_missing"] = "permission_missing"
    to: str
    words: str
    line: str = ""


class Fault(Shape):
    """Our own fault; `number` finds it in the log."""

    name: Literal["fault"] = "fault"
    to: str
    number: str
    step: int
    spent: str
    line: str


Message = Annotated[
    Questions | Help | UnknownVerb | BadArguments | NotAllowed | StartFirst | NotNow | RoleUnknown | NotNewest
    | NoSuchVersion | WrongFingerprint | FingerprintWanted | AlteredSpec | TooOld | AboveCeiling | TwoPerson
    | AlreadyRunning | CannotRunHere | TooSmall | PriceUnknown | SpecShown | ContractChange | NotIncluded
    | SettingsBroken | OfferApprove | FactMissing | EmptyRepository | EndedUnproved | OutOf | AskingUsedUp
    | NotPublished | NothingToBuild | NoChange | CannotPrepare | BranchRefused | BranchMoved | PullRefused
    | ModelStopped | ModelUnknown | NoMachine | PermissionMissing | SpecTooLong | Fault,
    Field(discriminator="name"),
]  # fmt: skip

_ADAPTER: TypeAdapter[Message] = TypeAdapter(Message)


def read_message(data: dict[str, object]) -> Message:
    """The typed message of a comment effect's data. Raises pydantic.ValidationError for an unknown name."""
    return _ADAPTER.validate_python(data)
