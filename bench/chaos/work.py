"""What users do in a chaos run: uploads in bursts, overwrites, deletions and re-uploads. Pure, by the seed alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.documents.ref import FailureCode, is_document_name

MAX_DOCUMENT_BYTES = 600_000
"""The setting of a chaos run, so that a document over it is quickly uploaded."""
REFUSED_MARK = "DESK-REFUSED"
"""The service answers with an error for a document that holds this."""
TURNED_AWAY_MARK = "DESK-TURNED-AWAY"
"""In bad weather the service refuses every request with such a document in it."""
DESKS = tuple(f"DESK-{number}." for number in range(8))
"""Every ordinary document names one of these: the service's faults strike the documents of one desk."""

BURST = (20, 120)
OVERWRITTEN, DELETED, REBORN = 0.15, 0.06, 0.5
"""Shares of a burst: documents of earlier bursts that change or go, and of those that had gone and come back."""

# Each holds one thing that addresses, listings or records could trip over.
_FOLDERS = (
    "",
    "inbox/",
    "a/b/c/d/",
    "two words/",
    "Ünïcode ключ 文書/",
    "100%/",
    "plus+and&amp=/",
    "q?x#y/",
    "a%20b%2Fc/",
    "[brackets]{braces}/",
    'quote\'s "both"/',
    "😀/",
    "semi;comma,tilde~/",
    f"{'long-' * 180}/",
)
_SUFFIXES = (".txt",) * 9 + (".TXT",)


@dataclass(frozen=True)
class Content:
    """The bytes of one version and how it must end.

    `text` is what the service must have been given; None when the version can only fail, with one of `failures`. A
    version with a text may fail with one of them too.
    """

    data: bytes
    text: str | None = None
    failures: frozenset[FailureCode] = frozenset()


@dataclass(frozen=True)
class Task:
    """What happens to one name, one after the other; None is a deletion."""

    name: str
    versions: tuple[Content | None, ...]


Burst = list[Task]


@dataclass
class Plan:
    """All bursts, and how often each thing happens."""

    bursts: list[Burst] = field(default_factory=list)
    documents: int = 0
    overwritten: int = 0
    deleted: int = 0
    reborn: int = 0


def make_plan(documents: int, *, seed: int, samples: Sequence[str]) -> Plan:
    """`documents` new names, in bursts, with changes to earlier ones among them."""
    return _Planner(random.Random(seed), samples, with_empty=documents >= 200).plan(documents)


@dataclass
class _Planner:
    random: random.Random
    samples: Sequence[str]
    with_empty: bool
    """A blob that stays empty is waited for; a short run has no time for it."""
    texts: int = 0
    present: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def plan(self, documents: int) -> Plan:
        plan = Plan()
        while plan.documents < documents:
            low, high = (min(size, max(5, documents // 4)) for size in BURST)
            new = min(self.random.randint(low, high), documents - plan.documents)
            plan.bursts.append(self._burst(plan, new))
        return plan

    def _burst(self, plan: Plan, new: int) -> Burst:
        burst = self._changes(plan, new)
        for _ in range(new):
            number = plan.documents
            plan.documents += 1
            burst.append(self._new(plan, f"{self.random.choice(_FOLDERS)}{number:05}{self.random.choice(_SUFFIXES)}"))
        if self.random.random() < 0.3:
            burst.append(Task(f"inbox/not-a-document-{plan.documents}.md", (Content(b"Nobody classifies this."),)))
        self.random.shuffle(burst)
        return burst

    def _changes(self, plan: Plan, new: int) -> Burst:
        """Of names of earlier bursts, each at most once."""
        candidates = self.random.sample(self.present, min(len(self.present), new))
        reborn = [name for name in self.gone if self.random.random() < REBORN]
        burst: Burst = []
        for name in candidates:
            roll = self.random.random()
            if roll < OVERWRITTEN:
                burst.append(Task(name, (self._content(),)))
                plan.overwritten += 1
            elif roll < OVERWRITTEN + DELETED:
                burst.append(Task(name, (None,)))
                self.present.remove(name)
                self.gone.append(name)
                plan.deleted += 1
        for name in reborn:
            burst.append(Task(name, (self._content(),)))
            self.gone.remove(name)
            self.present.append(name)
            plan.reborn += 1
        return burst

    def _new(self, plan: Plan, name: str) -> Task:
        """A new name; some change, go or come back at once, while the first event is on its way."""
        roll = self.random.random()
        if roll < 0.05:
            plan.overwritten += 1
            versions: tuple[Content | None, ...] = (self._content(), self._content())
        elif roll < 0.07:  # created empty, filled at once
            plan.overwritten += 1
            versions = (Content(b"", None, frozenset({FailureCode.EMPTY})), self._plain())
        elif roll < 0.09:
            plan.deleted += 1
            versions = (self._content(), None)
        elif roll < 0.11:
            plan.deleted += 1
            plan.reborn += 1
            versions = (self._content(), None, self._content())
        else:
            versions = (self._content(),)
        (self.gone if versions[-1] is None else self.present).append(name)
        return Task(name, versions)

    def _content(self) -> Content:
        roll = self.random.random()
        if roll < 0.01:
            return self._long()
        if roll < 0.02:
            return _only_fails(b" \r\n\t " * 3, FailureCode.EMPTY)
        if roll < 0.025 and self.with_empty:
            return _only_fails(b"", FailureCode.EMPTY)
        if roll < 0.035:
            return _only_fails(bytes(range(256)) * 4, FailureCode.BINARY)
        if roll < 0.038:
            return _only_fails(b"x" * (MAX_DOCUMENT_BYTES + 1), FailureCode.TOO_LARGE)
        if roll < 0.048:
            text = f"{self._text()}\n{REFUSED_MARK}"
            return _only_fails(text.encode(), FailureCode.DOCUMENT_ERROR)
        if roll < 0.053:
            text = f"{self._text()}\n{TURNED_AWAY_MARK}"
            return Content(text.encode(), text, frozenset({FailureCode.REFUSED}))
        if roll < 0.073:
            text = self._text()
            return Content(text.encode("utf-16"), text)
        if roll < 0.093:
            text = self._text()
            return Content(text.encode("utf-8-sig"), text)
        return self._plain()

    def _plain(self) -> Content:
        text = self._text()
        return Content(text.encode(), text)

    def _long(self) -> Content:
        """Over the service's limit for one text: it is split."""
        paragraphs: list[str] = []
        size, wanted = 0, self.random.randint(126_000, 400_000)
        while size < wanted:
            paragraphs.append(self._text())
            size += len(paragraphs[-1]) + 2
        text = "\n\n".join(paragraphs)
        return Content(text.encode(), text)

    def _text(self) -> str:
        """Like no other: parts of samples, a number and a desk."""
        self.texts += 1
        parts = self.random.sample(self.samples, self.random.choice((1, 1, 1, 2, 3)))
        return "\n\n".join((*parts, f"Reference {self.texts}, {self.random.choice(DESKS)}"))


def _only_fails(data: bytes, *codes: FailureCode) -> Content:
    return Content(data, None, frozenset(codes))


@dataclass
class Ledger:
    """What was really uploaded, with the ETags that storage gave: against this everything is checked."""

    current: dict[str, str] = field(default_factory=dict)
    """ETag by name, of what is there."""
    versions: dict[tuple[str, str], Content] = field(default_factory=dict)
    """Every version there ever was, by name and ETag."""

    def put(self, name: str, etag: str, content: Content) -> None:
        self.versions[name, etag] = content
        self.current[name] = etag

    def deleted(self, name: str) -> None:
        del self.current[name]

    @property
    def documents(self) -> dict[str, str]:
        """Those of the current blobs that must have a record."""
        return {name: etag for name, etag in self.current.items() if is_document_name(name)}
