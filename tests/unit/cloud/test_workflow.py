"""What people do about findings: kept, attributed, once, and until there is a new reason."""

from dataclasses import replace

import pytest

from voltherd.cloud.finding_names import Known, alarm_name, named
from voltherd.cloud.workflow import Request, Workflow, new_reason, standing
from voltherd.detection.verdict import Alarm, Verdict
from voltherd.errors import StoreError, UsageError
from voltherd.triage.findings import Told
from voltherd.types.event import Finding, Location, LocationKind, Phenomenon, Severity

NOW = 1_767_300_000.0


def finding(severity=Severity.RECOMMENDED, cell=7):
    return Finding(
        vehicle_id="bus-1",
        location=Location(kind=LocationKind.CELL, index=cell, cells=(cell,)),
        phenomenon=Phenomenon.WEAK_CELL,
        severity=severity,
        raised_second=NOW - 3600.0,
        onset_second=NOW - 7200.0,
        last_seen_second=NOW - 60.0,
        confidence=0.9,
        trend="steady",
        summary="s",
        action="a",
        confirm="c",
    )


def known(severity=Severity.RECOMMENDED, begun=NOW - 3600.0, holds=True, name="f1"):
    return Known(name, ("k1", "k2"), finding(severity), holds, begun)


def alarm(cause="cells", cell=7, raised=NOW - 3600.0, first=NOW - 4000.0, streak=3):
    verdict = Verdict(
        cause=cause,
        phenomenon=Phenomenon.WEAK_CELL,
        location=Location(kind=LocationKind.CELL, index=cell, cells=(cell,)),
        severity=Severity.RECOMMENDED,
        score=9.0,
    )
    return Alarm(
        verdict=verdict,
        first_second=first,
        last_second=NOW,
        raised_second=(raised, raised, None),
        streaks=(streak, streak, 0),
        count=streak,
    )


@pytest.fixture
def journal(data):
    return data.Notebook()


def test_the_way_from_alarm_to_outcome_is_kept_step_by_step(journal):
    work = Workflow(journal)
    for step in (
        Request("acknowledge", "Ada", "on it"),
        Request("work_order", "Bo", "module out on Friday", planned_second=NOW + 86_400.0),
        Request("resolve", "Bo", "cell replaced", "repaired"),
    ):
        work.act(known(), step, NOW)
        told = work.standing("f1")
    assert told.status == "resolved"
    assert told.outcome == "repaired"
    assert told.acknowledged.by == "Ada"
    assert [step.kind for step in work.steps("f1")] == ["acknowledge", "work_order", "resolve"]
    assert [document.kind for document in journal.kept] == [
        "finding.acknowledge",
        "finding.work_order",
        "finding.resolve",
    ]


def test_a_planned_date_stands_until_the_work_is_done(journal):
    work = Workflow(journal)
    work.act(known(), Request("work_order", "Bo", "Friday", planned_second=NOW + 9.0), NOW)
    assert work.standing("f1").planned_second == NOW + 9.0
    assert work.standing("f1").status == "open"
    work.act(known(), Request("resolve", "Bo"), NOW)
    assert work.standing("f1").planned_second is None


def test_all_of_it_is_there_after_a_restart(journal):
    Workflow(journal).act(known(), Request("acknowledge", "Ada", "on it", name="r1"), NOW)
    again = Workflow(journal)
    [step] = again.steps("f1")
    assert (step.by, step.text, step.kind, step.severity) == (
        "Ada",
        "on it",
        "acknowledge",
        Severity.RECOMMENDED,
    )
    assert again.adopted() == {"k1": "f1", "k2": "f1"}
    assert again.act(known(), Request("acknowledge", "Ada", "on it", name="r1"), NOW + 9) == step


def test_a_named_request_is_carried_out_once(journal):
    work = Workflow(journal)
    first = work.act(known(), Request("note", "Ada", "heard a hum", name="r1"), NOW)
    second = work.act(known(), Request("note", "Ada", "heard a hum", name="r1"), NOW + 1)
    assert first == second
    assert len(journal.kept) == 1


def test_a_name_used_for_something_else_is_refused(journal):
    work = Workflow(journal)
    work.act(known(), Request("note", "Ada", "heard a hum", name="r1"), NOW)
    with pytest.raises(UsageError, match="used for another request"):
        work.act(known(), Request("note", "Ada", "smelt smoke", name="r1"), NOW)
    assert len(journal.kept) == 1


def test_unnamed_requests_are_all_carried_out(journal):
    work = Workflow(journal)
    for _ in range(2):
        work.act(known(), Request("note", "Ada", "heard a hum"), NOW)
    assert len(work.steps("f1")) == 2


def test_a_note_says_something(journal):
    with pytest.raises(UsageError, match="without a text"):
        Workflow(journal).act(known(), Request("note", "Ada"), NOW)


def test_what_cannot_be_written_down_has_not_happened(journal):
    def refuse(*_):
        raise StoreError("disk full")

    journal.write = refuse
    work = Workflow(journal)
    with pytest.raises(StoreError):
        work.act(known(), Request("resolve", "Ada", name="r1"), NOW)
    assert work.standing("f1").status == "open"
    assert work.steps("f1") == ()


def test_a_resolved_finding_stays_resolved_while_nothing_is_new(journal):
    work = Workflow(journal)
    work.act(known(), Request("resolve", "Ada", outcome="dismissed"), NOW)
    assert work.reopened([known()], NOW + 1e6) == ()
    assert work.reopened([known(severity=Severity.OPERATING)], NOW + 1e6) == ()
    assert work.standing("f1").status == "resolved"


@pytest.mark.parametrize(
    ("later", "why"),
    [
        (known(severity=Severity.SAFETY), "worse: safety, was recommended"),
        (known(begun=NOW + 10.0), "it had ended and has begun again"),
    ],
    ids=["worse", "begun again"],
)
def test_a_new_reason_reopens_it_once_and_says_why(journal, later, why):
    work = Workflow(journal)
    work.act(known(), Request("resolve", "Ada", outcome="repaired"), NOW)
    [step] = work.reopened([later], NOW + 20.0)
    assert (step.by, step.text) == ("voltherd", why)
    assert work.standing("f1").status == "open"
    assert work.standing("f1").outcome == ""
    assert work.reopened([later], NOW + 30.0) == ()


def test_what_no_longer_holds_is_no_reason(journal):
    work = Workflow(journal)
    work.act(known(), Request("resolve", "Ada"), NOW)
    assert work.reopened([known(begun=NOW + 10.0, holds=False)], NOW + 20.0) == ()
    assert new_reason(known(), work.steps("f1")) == ""


def test_reopening_by_hand_takes_the_acknowledgement_back(journal):
    work = Workflow(journal)
    work.act(known(), Request("acknowledge", "Ada"), NOW)
    work.act(known(), Request("reopen", "Bo"), NOW)
    assert work.standing("f1").status == "open"
    assert work.standing("f1").acknowledged is None


def test_nothing_done_is_open():
    assert standing(()).status == "open"


def test_a_finding_keeps_its_name_when_late_rows_move_its_first_raise():
    early, late = alarm(raised=NOW - 9e5), alarm(raised=NOW)
    [first] = named("bus-1", [Told(finding(), (early,))], {})
    [second] = named("bus-1", [Told(finding(), (late,))], {})
    assert first.finding_id == second.finding_id


def test_vehicles_causes_and_places_have_names_of_their_own():
    names = {
        alarm_name(vehicle, alarm(cause, cell))
        for vehicle in ("bus-1", "bus-2")
        for cause in ("cells", "short")
        for cell in (1, 2)
    }
    assert len(names) == 8
    assert all(len(name) == 16 for name in names)


def test_a_finding_that_was_acted_upon_is_found_again_by_any_of_its_alarms():
    first, second = alarm("cells", raised=NOW - 50.0), alarm("short", raised=NOW - 100.0)
    adopted = {alarm_name("bus-1", first): "kept"}
    [told] = named("bus-1", [Told(finding(), (first, second))], adopted)
    assert told.finding_id == "kept"
    [fresh] = named("bus-1", [Told(finding(), (first, second))], {})
    assert fresh.finding_id == alarm_name("bus-1", second), "the alarm that was raised first"


def test_no_two_findings_share_a_name():
    first, second = alarm("cells"), alarm("short")
    adopted = {alarm_name("bus-1", a): "kept" for a in (first, second)}
    told = named("bus-1", [Told(finding(), (first,)), Told(finding(), (second,))], adopted)
    assert len({each.finding_id for each in told}) == 2


def test_a_finding_holds_while_its_latest_judgement_says_so():
    [standing_] = named("bus-1", [Told(finding(), (alarm(streak=3),))], {})
    [past] = named("bus-1", [Told(finding(), (alarm(streak=0),))], {})
    assert standing_.holds
    assert standing_.begun_second == NOW - 4000.0
    assert not past.holds


@pytest.mark.parametrize(("score", "again"), [(14.0, False), (15.0, True)])
def test_a_resolved_finding_is_looked_at_again_once_it_has_grown_by_half(journal, score, again):
    work = Workflow(journal)
    then = known()._replace(finding=replace(finding(), score=10.0))
    work.act(then, Request("resolve", "Bo", "let it be", "confirmed"), NOW)
    grown = known()._replace(finding=replace(finding(), score=score))
    steps = Workflow(journal).steps("f1")
    assert bool(new_reason(grown, steps)) is again
    assert (steps[0].phenomenon, steps[0].score) == ("weak_cell", 10.0), "for feedback"
