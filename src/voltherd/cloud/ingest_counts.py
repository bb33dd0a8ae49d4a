"""What an ingest counts, for the pages that show a chain's health."""

from dataclasses import dataclass
from typing import NamedTuple, final

from voltherd.cloud.lags import LagSummary


class Refusal(NamedTuple):
    """A payload that was not used, as an example.

    Attributes:
        unix_second: When [unix s].
        topic: Where it came.
        reason: Why it was not used.
        head: Its first bytes, in hexadecimal.
    """

    unix_second: float
    topic: str
    reason: str
    head: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class IngestCounts:
    """What came in and what became of it, since the start.

    Attributes:
        messages: Messages heard, refused ones too.
        bytes: Size of those that were put aside [B].
        records: Records among them that were readable.
        committed: Records that were new and are on the medium.
        duplicates: Records that were there already; acknowledged again.
        conflicts: Records that were there with another content; never acknowledged.
        live: Messages of live samples.
        states: States handed on.
        superseded_states: Last wills of an edge that was back already.
        malformed: Payloads that were no message.
        oversized: Payloads longer than any message.
        misplaced: Messages on a topic that is not theirs.
        dropped: Messages and records for which there was no room; they come again.
        acknowledgements: Acknowledgements sent.
        unsent: Acknowledgements and questions that the bus did not take.
        questions: Questions for missing records sent.
        holes: Records missing now below one that is committed.
        refused_commits: Times the log refused.
        failures: Times a listener failed or something else went wrong.
        identity_conflicts: Vehicles' names used by two.
        queued: Messages and records waiting now.
        batches: Commits done.
        lag_oldest: From a record's first frame to its commit.
        lag_newest: From a record's last frame to its commit.
        lag_live: From a live message's last frame to its arrival here.
        trouble: What the log said when it refused last; empty once it accepts again.
    """

    messages: int
    bytes: int
    records: int
    committed: int
    duplicates: int
    conflicts: int
    live: int
    states: int
    superseded_states: int
    malformed: int
    oversized: int
    misplaced: int
    dropped: int
    acknowledgements: int
    unsent: int
    questions: int
    holes: int
    refused_commits: int
    failures: int
    identity_conflicts: int
    queued: int
    batches: int
    lag_oldest: LagSummary
    lag_newest: LagSummary
    lag_live: LagSummary
    trouble: str


@final
@dataclass(slots=True)
class Tally:  # mutable: counted up for every message
    """The running counts; each is changed by one thread only."""

    messages: int = 0
    bytes: int = 0
    records: int = 0
    committed: int = 0
    duplicates: int = 0
    conflicts: int = 0
    live: int = 0
    states: int = 0
    superseded_states: int = 0
    malformed: int = 0
    oversized: int = 0
    misplaced: int = 0
    unheard: int = 0
    """Messages for which the queue had no room."""
    dropped: int = 0
    """Records for which the next commit had no room."""
    acknowledgements: int = 0
    unsent: int = 0
    questions: int = 0
    refused_commits: int = 0
    failures: int = 0
    identity_conflicts: int = 0
    batches: int = 0
    bytes_done: int = 0
    """Size of those that were taken from the queue [B]."""
