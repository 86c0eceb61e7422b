"""What a runner and the control plane say to each other, version 1. The runner imports this module and nothing else of ours.

Every request but `claim` carries `Authorization: Bearer <session token>` and `Persevere-Protocol: 1`. Durations are
seconds; a runner never sends a clock time.

    POST /v1/claim       Claim            -> Claimed
    POST /v1/heartbeat   Heartbeat        -> Orders            every 15 s; the lease is 60 s
    PUT  /v1/steps/{n}   StepResults      -> 200 Reply | 202 Later
    POST /v1/begin       Begin            -> {}                before calls that may change something
    POST /v1/blobs       BlobWish         -> BlobGrant
    POST /v1/evidence    EvidenceReport   -> {}
    POST /v1/finish      Finish           -> {}

Errors are `Refusal`. A runner ends with the exit code of `EXIT_CODES`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from shared.domain.changeset import MODES, BadChangeset, Change, Changeset, decode, encode, shown_path
from shared.domain.lost_tests import lost_tests, stem
from shared.domain.shape import Shape, Strict

__all__ = ["MODES", "BadChangeset", "Change", "Changeset", "decode", "encode", "lost_tests", "shown_path", "stem"]

PROTOCOL = 1
HEARTBEAT_S = 15
LEASE_S = 60
BODY_MAX_BYTES = 1_000_000
TAIL_MAX_CHARS = 12_000  # of a command's output that a model or a person sees
CHANGESET_MAX_FILES = 300
CHANGESET_MAX_BYTES = 5_000_000
CHANGESET_MAX_FILE_BYTES = 1_000_000
# What a checkpoint holds may be more than what a change may be: an agent's large file is not lost before it is refused.
CHECKPOINT_MAX_FILES = 5_000
CHECKPOINT_MAX_BYTES = 50_000_000
CHECKPOINT_MAX_FILE_BYTES = 10_000_000

EXIT_CODES = {"done": 0, "replaced": 0, "bad_token": 3, "unreachable": 4, "refused": 5}

Sha256 = str
JobKind = Literal["survey", "build", "fix", "verify"]
Side = Literal["base", "head"]
Outcome = Literal["pass", "fail", "could_not_run"]


# --- the contract, as far as a runner needs it ------------------------------------------------------------


class CheckToRun(Shape):
    """How a criterion is checked. `run` is a shell command line, run word for word in the workspace's root.

    origin: `existing` (a test that exists), `spec` (written in the approved spec), `agent` (the agent's own test).
    kind: `command` (exit code), `test` (exit code and a JUnit record of each of `ids`), `suite` (every id that
    passes at base is there and passes at head). `files` are the head's files that a base run of an agent's test needs.
    """

    origin: Literal["existing", "spec", "agent"] = "spec"
    kind: Literal["command", "test", "suite"] = "command"
    run: str
    ids: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    may_be_missing: bool = False


class CriterionToRun(Shape):
    id: str
    kind: Literal["new", "keep", "person"]
    text: str
    check: CheckToRun | None = None


# --- claim ------------------------------------------------------------------------------------------------


class Claim(Strict):
    """`nonce` is made once by a runner process, so that a repeated claim after a lost answer is known as its own."""

    ticket: str = Field(max_length=2000)
    nonce: str = Field(min_length=16, max_length=100)
    protocol: int
    self_test: dict[str, Any] = Field(default_factory=dict)


class Clone(Shape):
    """Where to clone from. `token` (contents:read, this repository) must be revoked by DELETE `revoke_url` (with the
    token itself as bearer) as soon as the clone is done, before anything of the repository runs. `head` is set where
    the job starts from or judges a pushed commit.
    """

    url: str
    base: str
    head: str | None = None
    token: str | None = None
    revoke_url: str | None = None


class Setup(Shape):
    """Set-up and tests as the settings name them; None means: find it (and say where it was found)."""

    setup: str | None = None
    setup_source: str = ""
    tests: str | None = None
    tests_source: str = ""
    environment: dict[str, str] = Field(default_factory=dict)


class RunnerLimits(Shape):
    """Seconds and bytes. `seconds` is what is left for this job."""

    seconds: int
    command_seconds: int = 300
    setup_seconds: int = 600
    check_seconds: int = 600
    output_bytes: int = 10_000_000
    changeset_files: int = CHANGESET_MAX_FILES
    changeset_bytes: int = CHANGESET_MAX_BYTES
    changeset_file_bytes: int = CHANGESET_MAX_FILE_BYTES


WorkKind = Literal["changeset", "bundle"]


class Resume(Shape):
    """Where to go on: the first step whose calls no runner has begun, the tree, and what restores it (a download URL): a changeset, or
    a thin git bundle on the commit that the job starts from. None: the tree is that commit's.
    """

    step: int = 0
    tree: str | None = None
    bundle: str | None = None
    kind: WorkKind = "changeset"


class Claimed(Shape):
    token: str
    epoch: int
    job: str
    kind: JobKind
    purpose: Literal["", "brief", "tryout"] = ""
    repository: str
    clone: Clone
    criteria: tuple[CriterionToRun, ...] = ()
    setup: Setup = Setup()
    network: Literal["open", "local", "none"] = "local"
    limits: RunnerLimits
    resume: Resume = Resume()
    words: tuple[str, ...] = ()  # identifiers of the issue, for ranking files in a brief


# --- working ----------------------------------------------------------------------------------------------


class Heartbeat(Strict):
    """`seconds` is how long this runner has worked since it claimed (monotonic)."""

    step: int = 0
    doing: str = Field(default="", max_length=200)
    seconds: float = 0.0


class Orders(Shape):
    """`stop`: leave now, keep the work. `wrap_up`: finish what is at hand, call finish."""

    orders: tuple[Literal["stop", "wrap_up"], ...] = ()


class CallResult(Strict):
    """The result of one call. `text` is clipped (head and tail); `bytes` is the whole length; `artifact` its blob."""

    call: str = Field(max_length=200)
    status: Literal["ok", "error", "refused", "interrupted", "timeout"]
    exit: int | None = None
    text: str = ""
    bytes: int = 0
    artifact: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)  # for `prove`: criterion, command, passed; `interrupted`: how


class Checkpoint(Strict):
    """The blob that restores `tree` on top of the commit that the job starts from, after set-up. It is stored before the
    record that names it. No `bundle`: the tree is that commit's, nothing was changed.
    """

    tree: str
    bundle: str | None = None
    kind: WorkKind = "changeset"


class StepResults(Strict):
    """Results of the calls of step n-1 (none for the first step), and the work after them: its tree, and the checkpoint
    that holds it. `unkept` says in words what of it the checkpoint does not hold, or why there is none.
    """

    results: tuple[CallResult, ...] = ()
    tree: str | None = None
    checkpoint: Checkpoint | None = None
    unkept: str = Field(default="", max_length=500)
    seconds: float = 0.0


class Begin(Strict):
    """The calls of answer `step` are about to be run. Until this is stored another runner may still be given them."""

    step: int


class Underway(Strict):
    """The calls of answer `step` as far as they ran when a runner left: their results in the order of the calls. A call
    that was cut short is `interrupted` with data {how: cut}, and its changes are undone; {how: not_begun} came after it;
    {how: lost} ran, but its result did not come through.
    """

    step: int
    done: StepResults


class Call(Shape):
    """One tool call that the model made: bash, view, edit, write, prove, finish."""

    id: str
    tool: str
    args: dict[str, Any] = Field(default_factory=dict)


class Reply(Shape):
    """What the model said at a step. No calls and `over` empty means: ask again (the control plane has nudged it).

    `over` ends the loop: `gave_up`, the model cannot go on; `why` in words, `cause` as a name: refused, key, exhausted,
    stuck, invalid, busy, model.
    """

    step: int
    text: str = ""
    calls: tuple[Call, ...] = ()
    over: Literal["", "gave_up"] = ""
    why: str = ""
    cause: str = ""


class Later(Shape):
    """202: the answer is being fetched; ask for the same step again. `idle`: no model can be asked until then, so that
    the job's clock stands still.
    """

    retry_after_ms: int
    idle: bool = False


class BlobWish(Strict):
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)
    kind: Literal["changeset", "bundle", "output", "junit", "brief", "log"]


class BlobGrant(Shape):
    """Either `have` (it is stored already) or where to PUT it. `key` is its name from then on."""

    key: str
    have: bool = False
    put: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)


# --- evidence ---------------------------------------------------------------------------------------------


class TestIds(Strict):
    """Test ids by result, `classname::name` as JUnit has them; each list at most 2,000 long, `count` is exact. So that six runs
    fit one request, ids that passed may be fewer, and those that did not may have their beginning alone."""

    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    count: int = 0


class Run(Strict):
    """One run of one check. `outcome` pass: exit 0 (and the JUnit record demanded); fail: exit 1-125;
    could_not_run: 126, 127, time-out, a signal, no JUnit record, a collection error; `reason` says which, in words.
    """

    outcome: Outcome
    exit: int | None = None
    reason: str = Field(default="", max_length=500)
    seconds: float = 0.0
    tail: str = ""
    tests: TestIds | None = None
    artifact: str | None = None


class Observation(Strict):
    """What happened to one criterion on one side. Head runs twice; five times when the two differ.

    `pinned`: the same check with the base's versions of conftest, test settings and existing tests laid over head,
    where the change touched any of those (None when it did not). `findings` are sentences for people.
    """

    criterion: str
    side: Side
    sha: str
    runs: tuple[Run, ...] = ()
    pinned: Run | None = None
    findings: tuple[str, ...] = ()


class EvidenceReport(Strict):
    observations: tuple[Observation, ...]


class Workflows(Strict):
    """CI that a pull request would start here: how many workflow files, and how many of those name secrets."""

    on_pull_request: int = 0
    with_secrets: int = 0


class Survey(Strict):
    """What a survey found. `brief` is the blob key of the repository brief (text for the planner)."""

    sandbox: str = ""
    network: str = ""
    setup: str | None = None
    setup_source: str = ""
    setup_run: Run | None = None
    tests: str | None = None
    tests_source: str = ""
    tests_run: Run | None = None
    instructions: tuple[str, ...] = ()  # paths: AGENTS.md, CONTRIBUTING.md, pull request template
    workflows: Workflows = Workflows()
    tools: dict[str, str] = Field(default_factory=dict)
    brief: str | None = None
    observations: tuple[Observation, ...] = ()


# --- the end ----------------------------------------------------------------------------------------------


class Finish(Strict):
    """The last word of a runner. `reason` for gave_up and interrupted: out_of_money, out_of_time, stopped, no_setup,
    no_workspace, model, too_big, refused, signal; `summary` is the agent's or says what happened.
    `left_out` are untracked paths that set-up made and that are no part of the change. `underway` are the calls that no
    step has brought yet.
    """

    outcome: Literal["handed_over", "gave_up", "interrupted", "surveyed", "verified"]
    changeset: str | None = None
    tree: str | None = None
    files: int = 0
    summary: str = Field(default="", max_length=20_000)
    unmet: tuple[str, ...] = ()
    reason: str = Field(default="", max_length=200)
    left_out: tuple[str, ...] = ()
    survey: Survey | None = None
    setup_run: Run | None = None
    sandbox: str = Field(default="", max_length=200)
    network: str = Field(default="", max_length=200)
    seconds: float = 0.0
    underway: Underway | None = None


class Refusal(Shape):
    """The body of every answer that is no success.

    401 bad_token · 409 stale_epoch, wrong_step (`expected`), claimed · 410 job_over · 402 out_of_money, out_of_time ·
    413 too_big · 422 bad_request · 429, 503 busy
    """

    code: str
    message: str
    retry_after_s: float | None = None
    expected: int | None = None
