"""Capacity from partial charges: total least squares, as both sides of the ratio are uncertain.

A partial charge moves ``y`` ampere-hours while the state of charge changes by ``x``; the capacity
is the slope of ``y`` over ``x``.  Dividing, or ordinary least squares, leaves the error of ``x``
out and is biased low.  Two estimators:

* ``SohAwtls``: recursive approximate weighted total least squares.  Six sums are kept.  They are
  aged by the usual fade, and forgotten at a pace that weighs noise against lag, whatever the rate
  at which charges come.
* ``SohWindow``: weighted total least squares over the latest charges, with a linear trend and an
  offset of the current, each held by what is known of it before: cells fade by some percent a
  year, and the offset is of the declared size.  Charges and discharges together tell the offset.

A charge that contradicts the others by more than three standard deviations is questioned: its
weight falls with the square of the distance, so that one cannot move the answer and many at last
do.  The gain of the current sensor cannot be seen from within: it goes one to one into the
capacity, and therefore into the interval.

Source: Plett, J. Power Sources 196 (2011) 2319 (AWTLS, sections 5 and 6); York et al., American
Journal of Physics 72 (2004) 367 (errors on both sides, the adjusted abscissae of ``_solved``).
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float

from voltherd.numerics.robust import median, spread
from voltherd.types.estimate import NORMAL_90
from voltherd.units import SECOND_PER_DAY

CHARGES_MIN: Final = 5
"""Partial charges before which nothing is said."""
QUESTIONED: Final = 3.0
"""Standard deviations beyond which a charge is questioned."""
FADE_PER_YEAR: Final = 0.03
FADE_SIGMA: Final = 0.03
"""What cells lose in a year before anything is measured, as a share, and how far that may be off:
the slope of published field and calendar data, with room for twice and for none."""
SECOND_PER_YEAR: Final = 365.25 * SECOND_PER_DAY
MEMORY: Final = (6.0, 80.0)
"""Fewest and most charges that the recursive estimator remembers."""
_TRUSTED_AFTER: Final = 3
_ROUNDS: Final = 25
_POWERS: Final = np.array([0.0, 1.0, 2.0, 0.0, 1.0, 2.0])
"""Of the capacity in each of the six sums."""


class PartialCharge(NamedTuple):
    """What was counted between two states of charge that are known by themselves.

    Attributes:
        unix_time_second: Its end [s].
        soc_change: Positive for a charge, negative for a discharge.
        soc_sigma: Standard uncertainty of that change, independent from charge to charge.
        charge_ah: Counted, same sign [Ah].
        charge_sigma: Its standard uncertainty without gain and offset of the sensor [Ah].
        counted_hour: For how long current was counted [h].
        soc_common: Standard uncertainty of the change that all charges share, such as an error of
            the curve that both ends were read from.
    """

    unix_time_second: float
    soc_change: float
    soc_sigma: float
    charge_ah: float
    charge_sigma: float
    counted_hour: float
    soc_common: float = 0.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityEstimate:
    """A capacity with what it rests on.

    Attributes:
        unix_time_second: End of the latest charge; NaN before the first [s].
        capacity_ah: Of a cell block, and so of the pack; NaN where it cannot be told [Ah].
        sigma_ah: Standard uncertainty; sensor gain and shared errors included [Ah].
        per_year_ah: Trend; NaN where the method knows none [Ah/a].
        per_year_sigma: Its standard uncertainty [Ah/a].
        charges: Partial charges it rests on.
        questioned: How many of them contradict the others.
        late_questioned: How many of the latest five do.
        window_second: From the first to the latest of them [s].
        throughput_ah: Charge they moved, both directions [Ah].
        soc_span_max: Largest change of the state of charge among them.
        method: The estimator's name.
    """

    unix_time_second: float
    capacity_ah: float
    sigma_ah: float
    per_year_ah: float
    per_year_sigma: float
    charges: int
    questioned: int
    late_questioned: int
    window_second: float
    throughput_ah: float
    soc_span_max: float
    method: str

    @property
    def known(self) -> bool:
        """Whether there is an answer."""
        return math.isfinite(self.capacity_ah)

    @property
    def disputed(self) -> bool:
        """Whether the latest charges contradict it: a swap, a new sensor, or a wrong beginning."""
        return self.late_questioned >= CHARGES_MIN - 1

    @property
    def low_ah(self) -> float:
        """Lower end of the 90 % interval [Ah]."""
        return self.capacity_ah - NORMAL_90 * self.sigma_ah

    @property
    def high_ah(self) -> float:
        """Upper end of the 90 % interval [Ah]."""
        return self.capacity_ah + NORMAL_90 * self.sigma_ah

    @property
    def told(self) -> str:
        """The answer in words, or how much is missing for one.

        >>> CapacityEstimate(unix_time_second=0.0, capacity_ah=math.nan, sigma_ah=math.nan,
        ...     per_year_ah=math.nan, per_year_sigma=math.nan, charges=3, questioned=0,
        ...     late_questioned=0, window_second=0.0, throughput_ah=0.0, soc_span_max=0.0,
        ...     method="soh_window").told
        'cannot tell yet (3 of 5 partial charges)'
        """
        if not self.known:
            return f"cannot tell yet ({self.charges} of {CHARGES_MIN} partial charges)"
        return f"{self.capacity_ah:.1f} Ah ({self.low_ah:.1f} to {self.high_ah:.1f})"


class Tally(NamedTuple):
    """Evidence counted along, for the recursive estimator.

    Attributes:
        charges: How many.
        questioned: How many contradicted what was known.
        late: Whether each of the latest five did, oldest first.
        first_second: End of the first; NaN before it [s].
        last_second: End of the latest [s].
        throughput_ah: Charge moved [Ah].
        soc_span_max: Largest change of the state of charge.
    """

    charges: int = 0
    questioned: int = 0
    late: tuple[bool, ...] = ()
    first_second: float = math.nan
    last_second: float = math.nan
    throughput_ah: float = 0.0
    soc_span_max: float = 0.0


class AwtlsState(NamedTuple):
    """Carried from one charge to the next.

    Attributes:
        sums: The six sums of Plett's recursion, in scaled charge.
        scale: Factor on charge that makes both sides equally uncertain [1/Ah].
        noise: Smoothed square of one charge's relative uncertainty.
        common: Smoothed relative uncertainty that all charges share.
        tally: The evidence.
    """

    sums: Float[np.ndarray, "6"]
    scale: float
    noise: float
    common: float
    tally: Tally


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SohAwtls:
    """Recursive approximate weighted total least squares.

    Attributes:
        offset_sigma: Standard uncertainty of the current's offset [A].
        gain_sigma: Of its gain, as a share; it cannot be seen and stays in the interval.
        fade_unknown: By how much the fade may differ from ``FADE_PER_YEAR``, as a share a year;
            the faster it may, the shorter the memory.
    """

    offset_sigma: float = 0.05
    gain_sigma: float = 0.003
    fade_unknown: float = FADE_SIGMA

    def init(self) -> AwtlsState:
        """Begin without a charge."""
        return AwtlsState(np.zeros(6), math.nan, math.nan, 0.0, Tally())

    def step(self, state: AwtlsState, charge: PartialCharge) -> tuple[AwtlsState, CapacityEstimate]:
        """Take a charge into account; one that says nothing (no change, NaN) is passed over."""
        if not possible(charge):
            return state, self.estimate(state)
        sigma_y = math.hypot(charge.charge_sigma, self.offset_sigma * charge.counted_hour)
        guess = abs(charge.charge_ah / charge.soc_change)
        scale = state.scale
        if not math.isfinite(scale):
            scale = charge.soc_sigma / sigma_y
        known, sigma = _awtls(state.sums)
        known, sigma = known / scale, sigma / scale
        relative = _relative(charge, known if math.isfinite(known) else guess, sigma_y)
        off = math.hypot(relative, sigma / known) if state.tally.charges else relative
        away = (charge.charge_ah / charge.soc_change / known - 1.0) / off
        questioned = bool(state.tally.charges >= _TRUSTED_AFTER and abs(away) > QUESTIONED)
        weight = (QUESTIONED / away) ** 2 if questioned else 1.0
        x, y = charge.soc_change, scale * charge.charge_ah
        by_y, by_x = weight / (scale * sigma_y) ** 2, weight / charge.soc_sigma**2
        fresh = np.array([x * x * by_y, x * y * by_y, y * y * by_y])
        other = np.array([x * x * by_x, x * y * by_x, y * y * by_x])
        kept, aged = self._kept(state, charge)
        first = not state.tally.charges
        share = abs(charge.soc_common / charge.soc_change)
        state = AwtlsState(
            sums=kept * aged**_POWERS * state.sums + np.concatenate([fresh, other]),
            scale=scale,
            noise=relative**2 if first else 0.9 * state.noise + 0.1 * relative**2,
            common=share if first else 0.9 * state.common + 0.1 * share,
            tally=_tallied(state.tally, charge, questioned),
        )
        return state, self.estimate(state)

    def estimate(self, state: AwtlsState) -> CapacityEstimate:
        """Tell what a state says."""
        tally = state.tally
        scaled, spread_scaled = _awtls(state.sums)
        told = tally.charges >= CHARGES_MIN
        capacity = scaled / state.scale if told else math.nan
        # Half a memory of fade not followed yet belongs to the error as much as noise does.
        lag = self.fade_unknown / 2.0 * self._memory(state) * self._between(tally)
        shared = math.hypot(self.gain_sigma, state.common, lag)
        return CapacityEstimate(
            unix_time_second=tally.last_second,
            capacity_ah=capacity,
            sigma_ah=math.hypot(spread_scaled / state.scale, capacity * shared),
            per_year_ah=math.nan,
            per_year_sigma=math.nan,
            charges=tally.charges,
            questioned=tally.questioned,
            late_questioned=sum(tally.late),
            window_second=tally.last_second - tally.first_second if tally.charges else 0.0,
            throughput_ah=tally.throughput_ah,
            soc_span_max=tally.soc_span_max,
            method="soh_awtls",
        )

    def _kept(self, state: AwtlsState, charge: PartialCharge) -> tuple[float, float]:
        """Give the share of the past that is kept over the time passed, and what faded meanwhile.

        Old charges are aged by the usual fade before new ones join them, so that only what differs
        from it lags behind.
        """
        if not state.tally.charges:
            return 1.0, 1.0
        year = max(charge.unix_time_second - state.tally.last_second, 0.0) / SECOND_PER_YEAR
        between = max(self._between(state.tally), year / 4.0, 1e-9)
        return math.exp(-year / between / self._memory(state)), math.exp(-FADE_PER_YEAR * year)

    def _memory(self, state: AwtlsState) -> float:
        """Give the number of charges to remember: where noise and lag together are least.

        Of ``sigma²/(2n) + (fade n)²``, with the fade from one charge to the next.
        """
        step = self.fade_unknown * self._between(state.tally)
        if not (step > 0.0 and state.noise > 0.0):
            return MEMORY[1]
        best = math.cbrt(state.noise / (2.0 * step) ** 2)
        return min(max(best, MEMORY[0]), MEMORY[1])

    @staticmethod
    def _between(tally: Tally) -> float:
        """Give the usual time from charge to charge [a]."""
        if tally.charges < 2:
            return 0.0
        return (tally.last_second - tally.first_second) / (tally.charges - 1) / SECOND_PER_YEAR


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SohWindow:
    """Weighted total least squares over the latest charges, with trend and current offset.

    Attributes:
        offset_sigma: Standard uncertainty of the current's offset [A].
        gain_sigma: Of its gain, as a share.
        charges_max: Length of the window.
    """

    offset_sigma: float = 0.05
    gain_sigma: float = 0.003
    charges_max: int = 240

    def init(self) -> tuple[PartialCharge, ...]:
        """Begin without a charge; the state is the window itself."""
        return ()

    def step(
        self, state: tuple[PartialCharge, ...], charge: PartialCharge
    ) -> tuple[tuple[PartialCharge, ...], CapacityEstimate]:
        """Take a charge into account; one that says nothing (no change, NaN) is passed over."""
        if possible(charge):
            state = (*state, charge)[-self.charges_max :]
        return state, self.estimate(state)

    def estimate(self, state: tuple[PartialCharge, ...]) -> CapacityEstimate:
        """Tell what a window says."""
        columns = np.array(state, dtype=float).reshape(-1, len(PartialCharge._fields)).T
        second, x, _, y, *_ = columns
        capacity = sigma = trend = trend_sigma = math.nan
        questioned = np.zeros(len(x), dtype=bool)
        if len(x) >= CHARGES_MIN:
            capacity, sigma, trend, trend_sigma, questioned = self._solved(columns)
        return CapacityEstimate(
            unix_time_second=float(second[-1]) if len(x) else math.nan,
            capacity_ah=capacity,
            sigma_ah=sigma,
            per_year_ah=trend,
            per_year_sigma=trend_sigma,
            charges=len(x),
            questioned=int(questioned.sum()),
            late_questioned=int(questioned[-CHARGES_MIN:].sum()),
            window_second=float(second[-1] - second[0]) if len(x) else 0.0,
            throughput_ah=float(np.abs(y).sum()),
            soc_span_max=float(np.abs(x).max()) if len(x) else 0.0,
            method="soh_window",
        )

    def _solved(
        self, columns: Float[np.ndarray, "7 charges"]
    ) -> tuple[float, float, float, float, Bool[np.ndarray, "charges"]]:
        """Iterate weights and adjusted abscissae to the fixed point."""
        second, x, sigma_x, y, sigma_y, hour, common = columns
        year = (second - second[-1]) / SECOND_PER_YEAR
        design = np.stack([x, x * year, hour], axis=1)
        found = np.array([float(median(y / x, axis=0)), 0.0, 0.0])
        weight = away = np.ones(len(x))
        for _ in range(_ROUNDS):
            slope = np.maximum(found[0] + found[1] * year, 0.1 * found[0])
            left = y - design @ found
            variance = sigma_y**2 + (slope * sigma_x) ** 2
            away = left / np.sqrt(variance)
            away /= max(1.0, spread(away))
            weight = np.minimum(1.0, (QUESTIONED / np.maximum(np.abs(away), 1e-9)) ** 2) / variance
            at = x + slope * sigma_x**2 * left / variance
            moved = np.stack([at, at * year, hour], axis=1)
            fade = np.array([FADE_PER_YEAR, FADE_SIGMA]) * found[0]
            held = np.diag([0.0, fade[1] ** -2, self.offset_sigma**-2])
            told = moved.T @ (weight * y) + np.array([0.0, -fade[0] / fade[1] ** 2, 0.0])
            fresh = np.linalg.solve((moved * weight[:, None]).T @ design + held, told)
            done = abs(fresh[0] - found[0]) < 1e-6 * fresh[0]
            found = fresh
            if done:
                break
        normal = (design * weight[:, None]).T @ design + held
        loose = max(1.0, float((weight * left**2).sum()) / max(len(x) - 1, 1))
        covariance = np.linalg.inv(normal) * loose
        shared = float((weight * np.abs(x) * common).sum() / (weight * x**2).sum())
        sigma = math.hypot(
            math.sqrt(covariance[0, 0]), found[0] * math.hypot(shared, self.gain_sigma)
        )
        trend_sigma = math.sqrt(covariance[1, 1])
        return float(found[0]), sigma, float(found[1]), trend_sigma, np.abs(away) > QUESTIONED


def possible(charge: PartialCharge) -> bool:
    """Whether a charge says anything: finite, of one direction, and known to some error."""
    return bool(
        np.isfinite(charge).all()
        and charge.soc_change * charge.charge_ah > 0.0
        and charge.soc_sigma > 0.0
        and charge.charge_sigma > 0.0
    )


def _relative(charge: PartialCharge, capacity_ah: float, sigma_y: float) -> float:
    """Give the uncertainty of the capacity that one charge alone would give, as a share."""
    return math.hypot(capacity_ah * charge.soc_sigma, sigma_y) / abs(
        capacity_ah * charge.soc_change
    )


def _tallied(tally: Tally, charge: PartialCharge, questioned: bool) -> Tally:
    return Tally(
        charges=tally.charges + 1,
        questioned=tally.questioned + questioned,
        late=(*tally.late, questioned)[-CHARGES_MIN:],
        first_second=tally.first_second if tally.charges else charge.unix_time_second,
        last_second=charge.unix_time_second,
        throughput_ah=tally.throughput_ah + abs(charge.charge_ah),
        soc_span_max=max(tally.soc_span_max, abs(charge.soc_change)),
    )


def _awtls(sums: Float[np.ndarray, "6"]) -> tuple[float, float]:
    """Give slope and its standard uncertainty, NaN without a charge: Plett (2011) eqs. 33 to 36."""
    c1, c2, c3, c4, c5, c6 = sums.tolist()
    if not c5 > 0.0:
        return math.nan, math.nan
    roots = np.roots([c5, 2 * c4 - c1 - c6, 3 * c2 - 3 * c5, c1 - 2 * c3 + c6, -c2])
    real = roots.real[(np.abs(roots.imag) < 1e-6 * np.abs(roots)) & (roots.real > 0.0)]
    if not len(real):
        return c2 / c1, math.nan
    merit = (c4 * real**4 - 2 * c5 * real**3 + (c1 + c6) * real**2 - 2 * c2 * real + c3) / (
        real**2 + 1.0
    ) ** 2
    q = float(real[np.argmin(merit)])
    bend = -2 * c5 * q**5 + (3 * c1 - 6 * c4 + 3 * c6) * q**4 + (16 * c5 - 12 * c2) * q**3
    bend += (10 * c3 - 8 * c1 + 6 * c4 - 8 * c6) * q**2 + (12 * c2 - 6 * c5) * q
    bend = 2.0 * (bend + c1 - 2 * c3 + c6) / (q**2 + 1.0) ** 4
    return q, math.sqrt(2.0 / bend) if bend > 0.0 else math.nan
