"""The fleet's one budget: kept in the asset book, applied to every finding, tried before it is set.

A policy is a document like every step of the workflow: written before anybody is told, the newest
one counts.  What people said of findings, confirmed or dismissed, moves the odds of like findings
within a bound; severity safety is shown whatever the policy and whatever was said.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, NamedTuple

from voltherd.cloud.finding_names import Known
from voltherd.cloud.view import FleetView
from voltherd.cloud.workflow import Journal, Step, Workflow
from voltherd.triage.calibration import Calibration, Feedback
from voltherd.triage.decision import Outcome, cut_of, decide, feedback, judged
from voltherd.triage.floods import Groups
from voltherd.types.decision import Cut, Decided, Decisions, Policy
from voltherd.types.event import Phenomenon, Severity
from voltherd.units import SECOND_PER_DAY

KIND: Final = "policy"
FLEET: Final = ""
"""Documents about the whole fleet belong to no vehicle."""
_FRESH_SECOND: Final = 10.0
"""How long vehicle-days are not added up again [s]."""
RIGHT: Final = ("confirmed", "repaired")
Said = Mapping[Phenomenon, Feedback]


class Setting(NamedTuple):
    """A policy and who set it.

    Attributes:
        policy: The policy.
        by: Who set it, empty where nobody has.
        unix_time_second: When [unix s], 0 where nobody has.
    """

    policy: Policy
    by: str
    unix_time_second: float


class _Applied(NamedTuple):
    """What follows from a policy and what was said so far."""

    setting: Setting
    outcomes: int
    said: Said
    cut: Cut


class Budget:
    """The policy of a fleet, applied; safe to use from several threads.

    Args:
        journal: Where policies are kept.
        workflow: What people did about findings.
        known: The calibration.
        view: Gives the fleet now.
    """

    def __init__(
        self,
        journal: Journal,
        workflow: Workflow,
        known: Calibration,
        view: Callable[[], FleetView],
    ) -> None:
        self._journal = journal
        self._workflow = workflow
        self._known = known
        self._view = view
        self._lock = threading.Lock()
        kept = list(journal.every(KIND))
        setting = Setting(Policy(), "", 0.0)
        if kept:
            body = kept[-1].body
            setting = Setting(_policy(body), str(body["by"]), kept[-1].unix_time_second)
        self._applied = _Applied(setting, -1, {}, cut_of(setting.policy, known))
        self._due_second = -math.inf

    @property
    def setting(self) -> Setting:
        """The policy that counts."""
        return self._applied.setting

    def applied(self) -> tuple[Cut, Said]:
        """Give where findings begin to be shown now, and what was said so far."""
        now = self._now()
        return now.cut, now.said

    def set(self, policy: Policy, by: str, now_second: float) -> None:
        """Let another policy count, durably.

        Raises:
            StoreError: It could not be written down; nothing has changed.
        """
        with self._lock:
            body = {**asdict(policy), "by": by}
            self._journal.write(FLEET, now_second, KIND, body)
            setting = Setting(policy, by, now_second)
            self._applied = self._applied._replace(setting=setting, outcomes=-1)

    def judge(self, known: Sequence[Known]) -> dict[str, Decided]:
        """Say of findings, by name, whether they are shown, and why."""
        now = self._now()
        every = judged(
            [each.finding for each in known], now.setting.policy, now.cut, self._known, now.said
        )
        return {each.finding_id: made for each, made in zip(known, every, strict=True)}

    def tried(self, known: Sequence[Known], policy: Policy) -> Decisions:
        """Say what a policy would make of findings, without setting it."""
        found = [each.finding for each in known]
        return decide(found, policy, self._known, self._now().said, self._groups())

    def _groups(self) -> Groups:
        groups = {}
        for name, view in self._view().vehicles.items():
            asset = view.followed.asset if view.followed else None
            shares = (
                f"model {asset.model}" if asset and asset.model else "",
                f"site {view.site_id}" if view.site_id else "",
            )
            groups[name] = tuple(share for share in shares if share)
        return groups

    def _now(self) -> _Applied:
        """Work out anew what follows, where something was said, or the fleet watched on, since."""
        with self._lock:
            outcomes = [step for step in self._workflow.every() if _tells(step)]
            now = time.monotonic()
            if len(outcomes) != self._applied.outcomes or now > self._due_second:
                self._due_second = now + _FRESH_SECOND
                setting = self._applied.setting
                said = feedback(_last(outcomes), self._known, self._vehicle_days())
                cut = cut_of(setting.policy, self._known, said)
                self._applied = _Applied(setting, len(outcomes), said, cut)
            return self._applied

    def _vehicle_days(self) -> float:
        spans = [
            view.followed.usage.last_second - view.followed.usage.first_second
            for view in self._view().vehicles.values()
            if view.followed and view.followed.usage.rows
        ]
        return sum(spans) / SECOND_PER_DAY


def _tells(step: Step) -> bool:
    """Say whether a step tells what a finding that asked for somebody turned out to be."""
    asked = step.severity >= Severity.RECOMMENDED and step.phenomenon in tuple(Phenomenon)
    return bool(step.outcome) and asked


def _last(steps: Sequence[Step]) -> list[Outcome]:
    """Give what each finding turned out to be, by the last that was said of it."""
    newest = {step.finding_id: step for step in steps}
    return [
        Outcome(Phenomenon(step.phenomenon), step.score, step.outcome in RIGHT)
        for step in newest.values()
    ]


def _policy(body: Mapping[str, Any]) -> Policy:
    return Policy(
        budget_per_thousand=body["budget_per_thousand"],
        miss_cost=body["miss_cost"],
        visit_cost=body["visit_cost"],
        recall_cost=body["recall_cost"],
    )
