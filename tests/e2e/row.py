"""One line of the table: what is set up, what people do, and what they find at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.e2e.place import Place
from tests.e2e.stories import GOOD, SAMPLE, Line
from tests.e2e.whole_product import WholeProduct


@dataclass(frozen=True)
class Row:
    """Every text is a part of what a person reads, word for word.

    `status` and `pull` are parts of those texts, `reply` of one of our other comments, `checks` of title or text of the
    check run of that name. `met` is a refusal that GitHub gave us: a part of the path and of its words. `reactions` are
    ours to the newest comment of the story (None: not looked at). `more` is a further look at what is there.
    """

    name: str
    deeds: Callable[[Place], None]
    phase: str
    status: str = ""
    reply: str = ""
    replies: int | None = None
    pull: str = ""
    pull_state: Literal["none", "draft", "ready"] = "none"
    checks: Mapping[str, str] = field(default_factory=dict)
    reactions: tuple[str, ...] | None = None
    met: tuple[str, str] | None = None
    more: Callable[[Place], None] = lambda place: None
    files: Mapping[str, Any] | None = field(default_factory=lambda: SAMPLE)
    script: Sequence[Line] = GOOD
    place: Mapping[str, Any] = field(default_factory=dict)

    def play(self, product: WholeProduct) -> None:
        """Do the deeds, wait until nothing is under way, then look."""
        place = product.begin(self.files, self.script, **self.place)
        self.deeds(place)
        place.settle()
        self._look(place)
        self.more(place)

    def _look(self, place: Place) -> None:
        told = "\n--\n".join(place.ours())
        assert place.phase == self.phase, told
        assert self.status in place.status(), told
        replies = place.replies()
        assert any(self.reply in each for each in replies) or not self.reply, told
        assert self.replies in (None, len(replies)), told
        if self.reactions is not None:
            assert tuple(place.reactions()) == self.reactions
        self._look_at_pull(place)
        checks = place.checks() if self.checks else {}
        for name, text in self.checks.items():
            output = checks[name]["output"]
            assert text in f"{checks[name]['conclusion']} | {output['title']}\n{output['summary']}\n{output['text']}"
        if self.met is not None:
            (path, words), met = self.met, place.refusals()
            said = "\n".join(f"{each['path']}: {each['message']}" for each in met)
            assert any(path in each["path"] and words in each["message"] for each in met), said
        # The news that the last machine has ended may come after its last word, and changes nothing.
        place.product.until("nothing to be left open", lambda: not place.open_work())
        assert place.held() == 0

    def _look_at_pull(self, place: Place) -> None:
        pull = place.pull()
        if self.pull_state == "none":
            assert pull is None
        else:
            assert pull is not None, "\n--\n".join(place.ours())
            assert pull["draft"] is (self.pull_state == "draft")
            assert self.pull in pull["body"]
