"""Ways of charging side by side, each number by running the code that claims it.

Question: what do the cell model, the planner, the link's circuit and a grid of one machine say of
levels, fast and slow charging, giving back, charging without a wire, several sources at once,
stations with and without a plan, frequency, roads and braking?  Most is a model's word and nothing
that was measured on a vehicle; each table says what it rests on.
"""

from collections.abc import Callable, Mapping
from typing import Final

from voltherd.bench import charging_battery, charging_grid, charging_site
from voltherd.bench.charging_goals import Goal
from voltherd.bench.charging_sheet import Sheet

Progress = Callable[[str], None]
TABLES: Final[Mapping[str, Callable[[], Sheet]]] = {
    "levels": charging_battery.levels,
    "fast and slow": charging_battery.ways,
    "directions": charging_site.directions,
    "stations": charging_site.stations,
    "sources": charging_site.sources,
    "frequency": charging_grid.frequency,
    "imbalance": charging_grid.imbalance,
    "road": charging_grid.road,
    "exponent": charging_grid.exponent,
    "braking": charging_battery.braking,
}


def measure(progress: Progress = lambda _: None) -> dict[str, Sheet]:
    """Compute every table."""
    found = {}
    for name, table in TABLES.items():
        progress(f"compare {name}")
        found[name] = table()
    return found


def render(found: Mapping[str, Sheet]) -> str:
    """Give all tables as text."""
    return "\n\n".join(sheet.text() for sheet in found.values())


def goals(found: Mapping[str, Sheet]) -> tuple[Goal, ...]:
    """Give what has to hold of all."""
    return tuple(goal for sheet in found.values() for goal in sheet.goals)
