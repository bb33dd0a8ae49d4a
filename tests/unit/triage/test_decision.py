"""One budget: kept on fleets it has not seen, never at the price of a safety finding."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.triage.synthetic_fleets import (
    LAWS,
    NOW,
    as_findings,
    calibrated,
    false_findings,
    finding,
)
from voltherd.adapters.files.calibration import calibration_document
from voltherd.errors import InputError, UsageError
from voltherd.numerics.counts import poisson_upper
from voltherd.triage.calibration import FEEDBACK_MOST, Feedback, from_plain, log_odds, probability
from voltherd.triage.decision import Outcome, cut_of, decide, feedback
from voltherd.types.decision import Policy, Proof
from voltherd.types.event import Phenomenon, Severity

REPEATS = 200
VEHICLE_DAYS = 20_000
BUDGET = 0.5
LEAST = 179
"""Of 200 at 95 % each, fewer than this many have a chance below 1 in 1,000."""
SPENT_MIN = 0.2
COSTS = {"miss_cost": 10_000.0, "visit_cost": 300.0}


@pytest.fixture(scope="module")
def unseen():
    """So many false findings that their shares are as good as the law: by phenomenon, ascending."""
    days = 5e6
    found = false_findings(np.random.default_rng(7), days)
    return days, {
        name: np.sort([each.score for each in found if each.phenomenon is name]) for name in LAWS
    }


@pytest.fixture(scope="module")
def known():
    return calibrated(np.random.default_rng(11), 40_000)


def true_rate(known, cut, unseen):
    """What a cut shows of an unseen healthy fleet, per 1,000 vehicle-days."""
    days, every = unseen
    shown = 0
    for name, scores in every.items():
        low, high = 0, len(scores)
        while low < high:
            middle = (low + high) // 2
            passes = log_odds(known, name, float(scores[middle])) > cut
            low, high = (low, middle) if passes else (middle + 1, high)
        shown += len(scores) - low
    return 1000.0 * shown / days


def test_a_budget_is_kept_on_unseen_fleets_as_often_as_promised(unseen, record_property):
    rates, naive = [], []
    for seed in range(REPEATS):
        known = calibrated(np.random.default_rng(seed), VEHICLE_DAYS)
        cut = cut_of(Policy(budget_per_thousand=BUDGET), known)
        assert cut.proof is Proof.KEPT
        assert cut.per_thousand_max <= BUDGET
        rates.append(true_rate(known, cut.log_odds, unseen))
        # Without the bound, as many pass as the budget allows of those seen.
        odds = sorted((log_odds(known, s.phenomenon, s.score) for s in known.check), reverse=True)
        allowed = int(BUDGET / 1000.0 * known.check_vehicle_days)
        naive.append(true_rate(known, odds[allowed], unseen))
    kept = sum(rate <= BUDGET for rate in rates)
    record_property("kept_of_200", kept)
    assert kept >= LEAST
    assert np.mean(rates) > SPENT_MIN * BUDGET, "a budget that is not spent is kept by anybody"
    assert sum(rate <= BUDGET for rate in naive) < LEAST, "the test can fail"


def test_the_cut_finds_more_than_one_threshold_for_all_scores(unseen, known):
    cut = cut_of(Policy(budget_per_thousand=BUDGET), known).log_odds
    rng = np.random.default_rng(5)
    right = [(name, 4.0 * draw(rng, 2000)) for name, (_, draw) in LAWS.items()]
    ours = np.mean([log_odds(known, n, float(s)) > cut for n, scores in right for s in scores])
    days, every = unseen
    pooled = np.sort(np.concatenate(list(every.values())))
    rate = true_rate(known, cut, unseen)
    one = pooled[-int(rate * days / 1000.0) - 1]
    theirs = np.mean([s > one for _, scores in right for s in scores])
    assert ours > 1.2 * theirs


def test_too_few_vehicle_days_are_said_to_prove_nothing():
    known = calibrated(np.random.default_rng(3), 2_000)
    cut = cut_of(Policy(budget_per_thousand=0.1), known)
    assert cut.proof is Proof.CANNOT_TELL
    assert cut.told.startswith("cannot tell whether the budget of 0.1")
    assert cut.per_thousand == 0.0, "the strictest cut that the data can tell"


def test_safety_findings_alone_may_exceed_a_budget_and_it_is_said():
    known = calibrated(np.random.default_rng(3), 20_000, safety=20)
    cut = cut_of(Policy(budget_per_thousand=1.0), known)
    assert cut.proof is Proof.EXCEEDED
    assert "cannot be kept" in cut.told
    shown = decide([finding(severity=Severity.SAFETY)], Policy(budget_per_thousand=1.0), known)
    assert shown.held == ()


POLICIES = st.builds(
    lambda budget, miss, part: Policy(
        budget_per_thousand=budget,
        miss_cost=miss,
        visit_cost=None if miss is None else miss * part,
    ),
    st.one_of(st.none(), st.floats(1e-3, 1000.0)),
    st.one_of(st.none(), st.floats(1.0, 1e9)),
    st.floats(1e-6, 0.99),
)
SCORES = st.floats(0.0, 1e9)


@given(
    POLICIES,
    st.sampled_from(list(Phenomenon)),
    SCORES,
    st.integers(0, 500),
    st.floats(0.0, 1e7),
)
def test_nothing_ever_silences_a_safety_finding(policy, phenomenon, score, dismissed, days):
    known = calibrated(np.random.default_rng(11), 2_000)
    said = feedback([Outcome(phenomenon, score, right=False)] * dismissed, known, days)
    grave = finding(phenomenon=phenomenon, severity=Severity.SAFETY, score=score)
    mild = [replace(grave, severity=s) for s in (Severity.OPERATING, Severity.RECOMMENDED)]
    made = decide([*mild, grave], policy, known, said)
    assert made.decided[0].finding is grave, "and it comes first"
    assert made.decided[0].shown
    assert {id(each.finding) for each in made.decided} == {id(f) for f in (*mild, grave)}


@given(st.floats(0.01, 10.0), st.floats(1.0, 50.0))
def test_a_larger_budget_never_shows_less(budget, factor):
    known = calibrated(np.random.default_rng(11), 20_000)
    small = cut_of(Policy(budget_per_thousand=budget), known)
    large = cut_of(Policy(budget_per_thousand=budget * factor), known)
    assert large.log_odds <= small.log_odds


def test_without_a_policy_everything_is_shown(known):
    every = as_findings(known.check)
    made = decide(every, Policy(), known)
    assert made.held == ()
    assert len(made.decided) == len(every)
    assert made.cut.proof is Proof.NOT_ASKED


def test_what_is_held_back_stays_visible_with_its_reason(known):
    made = decide(as_findings(known.check), Policy(budget_per_thousand=BUDGET), known)
    assert 0 < len(made.held) < len(known.check)
    assert all(each.reason.startswith("watched, below your budget") for each in made.held)
    assert len(made.decided) == len(known.check)


def test_a_visit_is_not_asked_for_where_it_costs_more_than_it_can_save(known):
    poor = finding(score=known.signatures[Phenomenon.WEAK_CELL].reference)
    right = probability(known, poor)
    assert right.low <= right.value <= right.high < 0.5
    dear = Policy(miss_cost=1000.0, visit_cost=1000.0 * right.high * 1.01)
    cheap = Policy(miss_cost=1000.0, visit_cost=1000.0 * right.high * 0.99)
    assert [each.shown for each in decide([poor], dear, known).decided] == [False]
    assert [each.shown for each in decide([poor], cheap, known).decided] == [True]
    assert decide([poor], cheap, known).decided[0].cost == pytest.approx(1000.0 * right.value)


def test_what_was_never_false_is_not_called_wrong(known):
    rare = finding(phenomenon=Phenomenon.PACK_PRESSURE, score=9.0)
    assert probability(known, rare).high == 1.0
    assert decide([rare], Policy(**COSTS), known).held == ()


def test_findings_are_ranked_by_what_leaving_them_costs(known):
    weak, strong = finding("a", score=7.0), finding("b", score=60.0)
    mild = finding("c", severity=Severity.OPERATING, score=500.0)
    made = decide([mild, weak, strong], Policy(**COSTS), known)
    assert [each.finding.vehicle_id for each in made.decided] == ["b", "a", "c"]
    costs = [each.cost for each in made.decided[:2]]
    assert costs[0] > costs[1] > 0.0


def test_dismissals_make_like_findings_less_likely_within_a_bound_and_no_others(known):
    outcomes = [Outcome(Phenomenon.WEAK_CELL, 15.0, right=False)] * 500
    said = feedback(outcomes, known, 10_000.0)
    before = log_odds(known, Phenomenon.WEAK_CELL, 15.0)
    after = log_odds(known, Phenomenon.WEAK_CELL, 15.0, said[Phenomenon.WEAK_CELL])
    assert after == pytest.approx(before - FEEDBACK_MOST)
    few = feedback(outcomes[:1], known, 10_000.0)[Phenomenon.WEAK_CELL]
    assert before - FEEDBACK_MOST < log_odds(known, Phenomenon.WEAK_CELL, 15.0, few) < before + 0.5
    other = said[Phenomenon.SENSOR_BIAS]
    moved = log_odds(known, Phenomenon.SENSOR_BIAS, 15.0, other)
    assert moved >= log_odds(known, Phenomenon.SENSOR_BIAS, 15.0)


def test_confirmed_findings_make_like_ones_likelier(known):
    name = Phenomenon.WEAK_CELL
    said = feedback([Outcome(name, 15.0, right=True)] * 3, known, 1_000.0)
    assert log_odds(known, name, 15.0, said[name]) > log_odds(known, name, 15.0) + 1.0
    held = finding(score=known.signatures[name].reference)
    policy = Policy(miss_cost=1000.0, visit_cost=1000.0 * probability(known, held).high * 1.5)
    assert decide([held], policy, known).held
    assert not decide([held], policy, known, said).held


def test_a_fleet_that_dismisses_more_than_its_budget_is_judged_more_strictly(known):
    policy = Policy(budget_per_thousand=2.0)
    quiet = {name: Feedback(vehicle_days=1_000.0) for name in Phenomenon}
    loud = quiet | {Phenomenon.CHANNEL_SWAP: Feedback(dismissed=20, vehicle_days=1_000.0)}
    assert cut_of(policy, known, loud).log_odds > cut_of(policy, known, quiet).log_odds


@pytest.mark.parametrize(
    "wrong",
    [
        {"budget_per_thousand": 0.0},
        {"budget_per_thousand": math.nan},
        {"budget_per_thousand": 2000.0},
        {"miss_cost": 100.0},
        {"miss_cost": 100.0, "visit_cost": 100.0},
        {"miss_cost": math.inf, "visit_cost": 1.0},
        {"recall_cost": 5.0},
        {"miss_cost": 100.0, "visit_cost": 10.0, "recall_cost": 5.0},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(UsageError):
        Policy(**wrong)


@pytest.mark.parametrize("plain", [{}, {"format": 2}, {"format": 1, "version": "1", "seed": "x"}])
def test_what_is_no_calibration_is_refused(plain):
    with pytest.raises(InputError):
        from_plain(plain)


def spread(vehicles, phenomenon=Phenomenon.SENSOR_BIAS, step=3600.0, **more):
    return [
        finding(name, phenomenon, raised=NOW + step * place, **more)
        for place, name in enumerate(vehicles)
    ]


def test_the_same_in_many_vehicles_of_one_model_within_days_is_one_finding(known):
    fleet = {f"bus-{n}": ("model A",) if n < 8 else ("model B",) for n in range(40)}
    made = decide(spread([f"bus-{n}" for n in range(6)]), Policy(), known, {}, fleet)
    [flood] = made.floods
    assert flood.shared == "model A"
    assert flood.vehicles == tuple(f"bus-{n}" for n in range(6))
    assert "6 of 8 vehicles of model A say sensor bias within 5 h" in flood.summary
    assert len(made.decided) == 6, "each stays a finding of its own, too"


def test_a_recall_is_weighed_against_visits(known):
    fleet = {f"bus-{n}": ("model A",) for n in range(8)}
    every = spread(list(fleet))
    for recall, words in ((500.0, "choose a recall"), (5000.0, "choose single visits")):
        policy = Policy(**COSTS, recall_cost=recall)
        [flood] = decide(every, policy, known, {}, fleet).floods
        assert words in flood.action


@pytest.mark.parametrize(
    "every",
    [
        spread(["bus-1", "bus-2"]),
        spread(["bus-1", "bus-2", "bus-3"], step=40 * 86_400.0),
        spread(["bus-1", "bus-2", "bus-3"], severity=Severity.OPERATING),
        [f for n, p in enumerate(LAWS) for f in spread([f"bus-{n}"], p)],
    ],
    ids=["two", "far apart", "nobody is asked", "different things"],
)
def test_what_is_no_flood_stays_single(known, every):
    assert decide(every, Policy(), known).floods == ()


def test_coincidence_in_a_large_fleet_is_no_flood(known):
    fleet = {f"bus-{n}": () for n in range(5_000)}
    few = spread([f"bus-{n}" for n in range(12)])
    assert decide(few, Policy(), known, {}, fleet).floods == ()
    many = spread([f"bus-{n}" for n in range(60)])
    assert len(decide(many, Policy(), known, {}, fleet).floods) == 1


def test_many_places_of_one_vehicle_are_one_matter(known):
    every = [finding("bus-1", cell=cell, raised=NOW + cell) for cell in range(1, 7)]
    [flood] = decide(every, Policy(), known).floods
    assert flood.vehicles == ("bus-1",)
    assert len(flood.positions) == 6


def test_the_calibration_that_is_shipped_says_what_it_can_and_cannot_prove():
    shipped = from_plain(calibration_document())
    least = 1000.0 * poisson_upper(len(shipped.check), 0.95) / shipped.check_vehicle_days
    assert cut_of(Policy(budget_per_thousand=1.01 * least), shipped).proof is Proof.KEPT
    small = 0.99 * 1000.0 * poisson_upper(0, 0.95) / shipped.check_vehicle_days
    assert cut_of(Policy(budget_per_thousand=small), shipped).proof is Proof.CANNOT_TELL
