"""Looks at every repository again and again, politely: conditional requests, a pause that grows with trouble and with
the number of repositories, and none while GitHub asks to wait.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from aws_lambda_powertools import Logger

from functions.github_webhook.webhook import Door
from local.polling.look import Look
from local.setup.refused_key import OUT_OF_TIME, WRONG_CLOCK, advice_for
from local.worker import Worker
from shared.errors import PersevereError, Retryable
from shared.github.answers import BadCredentials, NotFound
from shared.github.client import GitHubs
from shared.github.installations import Installations, Place
from shared.ports import Conflict, OutcomeUnknown, TokenRefused

PLACES_EVERY_MS = 60_000
"""How often it is asked where the App is installed."""
REPOSITORIES_A_SECOND = 2
"""Four requests each; GitHub takes 900 a minute of one App (docs.github.com/rest/using-the-rest-api)."""
TROUBLE_MAX_S = 300.0
LITTLE_LEFT, LITTLE_LEFT_S = 500, 60.0
"""With so few requests left in the hour nobody looks more often than that: effects need them, too."""

CLOCK_MS = 5_000
"""A clock that is behind the beginning of a wait by more than that was set back: the wait's end means nothing any more."""

logger = Logger(service="polling")


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is asked from one moment to another (UTC ms)."""

    since: int = 0
    until: int = 0

    def is_over(self, now: int) -> bool:
        return now >= self.until or now < self.since - CLOCK_MS


@dataclass(slots=True)
class Watched:
    """A repository: how long it is not looked at, and what is wrong with it ("" for nothing)."""

    place: Place
    rest: Rest = Rest()
    failures: int = 0
    trouble: str = ""


@dataclass(slots=True)
class Heartbeat:
    """What can be told of the polling: when the last look ended well (UTC ms), how many inbounds it has written."""

    looked_at: int = 0
    taken: int = 0
    trouble: str = ""
    repositories: dict[int, Watched] = field(default_factory=dict)


class Poller(Worker):
    """One thread. `door` is made anew for each look, so that it is the one of the world of now."""

    def __init__(
        self,
        door: Callable[[], Door],
        githubs: GitHubs,
        installations: Installations,
        app_slug: str,
        every_s: float,
    ) -> None:
        super().__init__("polling")
        self.heartbeat = Heartbeat()
        self._door = door
        self._githubs = githubs
        self._installations = installations
        self._app_slug = app_slug
        self._every_s = every_s
        self._places_rest = Rest()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self.turn()
            except Exception:  # a fault of ours must not make us deaf: the next turn looks again
                logger.exception("polling.failed")
                self._over.wait(self._every_s)
            self._over.wait(0.1)

    def turn(self) -> int:
        """Look at every repository whose time has come; the number of inbounds written."""
        now = self._githubs.clock.now()
        self._refresh(now)
        watched = list(self.heartbeat.repositories.values())
        pause_s = max(self._every_s, len(watched) / REPOSITORIES_A_SECOND)
        taken = 0
        for each in watched:
            if self._over.is_set():
                break
            if each.rest.is_over(self._githubs.clock.now()):
                taken += self._look(each, pause_s)
        self.heartbeat.taken += taken
        return taken

    def _refresh(self, now: int) -> None:
        """Where the App is installed by now. Repositories that are there no more are not looked at."""
        if not self._places_rest.is_over(now):
            return
        try:
            places, refused = self._installations.reachable()
        except (PersevereError, OutcomeUnknown) as error:
            self.heartbeat.trouble = _words_of(error)
            self._places_rest = Rest(now, now + round(max(self._every_s, getattr(error, "after_s", 0.0)) * 1000))
            logger.warning("polling.places", extra={"error": type(error).__name__})
            return
        self.heartbeat.trouble = "; ".join(f"{account} does not let us in: {why}" for account, why in refused.items())
        known = self.heartbeat.repositories
        self.heartbeat.repositories = {
            place.repository.id: _still(known.get(place.repository.id), place) for place in places
        }
        # As long as there is nothing to look at, somebody waits for the App to be installed.
        every_ms = PLACES_EVERY_MS if places else round(self._every_s * 1000)
        self._places_rest = Rest(now, now + every_ms)

    def _look(self, watched: Watched, pause_s: float) -> int:
        place, clock = watched.place, self._githubs.clock
        github = self._githubs.client("read", place.installation.id, place.repository)
        taken, wait_s = 0, pause_s
        try:
            looked = Look(self._door(), github, place, self._app_slug).run()
        except (PersevereError, Conflict, OutcomeUnknown) as error:
            words = WRONG_CLOCK if any(each in str(error) for each in OUT_OF_TIME) else str(error)
            wait_s = _troubled(watched, error, words, pause_s)
            if isinstance(error, TokenRefused):
                self._places_rest = Rest()  # taken away, perhaps, or installed anew
            extra = {"repository": place.repository.id, "error": type(error).__name__, "wait_s": round(wait_s)}
            logger.warning("polling.look", extra=extra)
        except Exception as error:  # a fault of ours in one repository must not make us deaf to all behind it
            words = (
                f"what it shows cannot be read ({type(error).__name__}: {error}); this is a defect, please report it"
            )
            wait_s = _troubled(watched, error, words, pause_s)
            logger.exception("polling.look_failed", extra={"repository": place.repository.id})
        else:
            taken = looked.taken
            watched.failures, watched.trouble = 0, ""
            self.heartbeat.looked_at = clock.now()
            if looked.left is not None and looked.left < LITTLE_LEFT:
                wait_s = max(wait_s, LITTLE_LEFT_S)
            if taken:
                logger.info("polling.heard", extra={"repository": place.repository.id, "taken": taken})
        now = clock.now()
        watched.rest = Rest(now, now + round(wait_s * 1000))
        return taken


def _words_of(error: Exception) -> str:
    """Why it is not known where the App is: where it is gone, or the clock is wrong, with what to do about it."""
    if isinstance(error, BadCredentials | NotFound):
        return f"GitHub does not know the App by its key ({error.words}): {advice_for(error)}"
    return str(error)


def _troubled(watched: Watched, error: Exception, words: str, pause_s: float) -> float:
    """Seconds until the next look after one that went wrong."""
    watched.failures += 1
    watched.trouble = words
    after_s = error.after_s if isinstance(error, Retryable) else 0.0
    return max(after_s, min(TROUBLE_MAX_S, pause_s * 2 ** min(watched.failures, 8)))


def _still(known: Watched | None, place: Place) -> Watched:
    if known is None or known.place.installation.id != place.installation.id:
        return Watched(place)
    known.place = place
    return known
