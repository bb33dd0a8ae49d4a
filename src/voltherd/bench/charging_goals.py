"""What charging has to reach, and whether it does: a line for each number that has a goal."""

from collections.abc import Sequence
from typing import Final, NamedTuple

NOT_MEASURED: Final = "not measured"


class Goal(NamedTuple):
    """A number with what others reach and what is wanted.

    Attributes:
        what: Is measured.
        measured: What came out.
        unit: Of all three.
        floor: What others reach, of this run where one ran here and of its publication else.
        floor_of: Who these others are.
        goal: What is wanted.
        at_least: Whether more is better; less is otherwise.
    """

    what: str
    measured: float
    unit: str
    floor: float | None
    floor_of: str
    goal: float
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """Whether the goal holds.

        >>> Goal("plan", 0.2, "s", 4.0, "HiGHS", 0.3).verdict
        'holds'
        """
        met = self.measured >= self.goal if self.at_least else self.measured <= self.goal
        return "holds" if met else "MISSED"


def render_goals(goals: Sequence[Goal]) -> str:
    """Give them as text."""
    lines = [f"{'':<52}{'measured':>12}{'floor':>12}{'goal':>12}  {'verdict':<8}floor of"]
    for goal in goals:
        sign = "≥" if goal.at_least else "≤"
        floor = "" if goal.floor is None else f"{goal.floor:,.4g}"
        wanted = f"{sign} {goal.goal:,.4g}"
        what = f"{goal.what} [{goal.unit}]"
        lines.append(
            f"{what:<52}{goal.measured:>12,.4g}{floor:>12}{wanted:>12}  {goal.verdict:<8}"
            f"{goal.floor_of}".rstrip()
        )
    return "\n".join(lines)
