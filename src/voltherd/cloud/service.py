"""Everything an answer of the API rests on, put together by ``compose``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from fastapi import Request

from voltherd.cloud.budget import Budget
from voltherd.cloud.depot_plan import Depot
from voltherd.cloud.events import Records
from voltherd.cloud.fleet import Fleet
from voltherd.cloud.kpis import Board
from voltherd.cloud.problems import ProblemError
from voltherd.cloud.schema_service import Chain, Health, Truth
from voltherd.cloud.series import Past
from voltherd.cloud.stations import Stations
from voltherd.cloud.stream import Hub
from voltherd.cloud.view import VehicleView
from voltherd.cloud.workflow import Journal, Workflow
from voltherd.ports import Clock
from voltherd.types.depot_now import DepotNow


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the service says of itself.

    Attributes:
        version: Of voltherd.
        demo: Whether the fleet is a demo's.
        speed: Simulated seconds per second.
        can_period_second: Between frames of the demo's vehicles, NaN outside one [s].
        started_second: When it began, by the fleet's time [unix s].
        message: A line for people.
    """

    version: str
    demo: bool = False
    speed: float = 1.0
    can_period_second: float = float("nan")
    started_second: float = 0.0
    message: str = ""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """What routes use.

    Attributes:
        fleet: Every vehicle now.
        workflow: What people did about findings.
        budget: The fleet's policy, applied.
        journal: Documents of all kinds.
        records: Events and gaps.
        past: Channels over time.
        hub: Server-sent events.
        board: Key figures of all vehicles.
        chain: Gives the state of all layers.
        health: Says whether everything needed is there.
        clock: The fleet's time.
        about: What it says of itself.
        truth: A demo's planted truth beside what was found; None elsewhere.
        depot: The site whose charging is planned; None where there is none.
        stations: Its charging stations; None where their journal is not named.
        depot_now: Gives how the depot does that runs, and how old that is [s]; None beside none.
        sign_in: Whether signing in is asked for.
    """

    fleet: Fleet
    workflow: Workflow
    budget: Budget
    journal: Journal
    records: Records
    past: Past
    hub: Hub
    board: Board
    chain: Callable[[], Chain]
    health: Callable[[], Health]
    clock: Clock
    about: About
    truth: Callable[[], Truth] | None = None
    depot: Depot | None = None
    stations: Stations | None = None
    depot_now: Callable[[], tuple[DepotNow, float] | None] | None = None
    sign_in: bool = False

    def vehicle(self, vehicle_id: str) -> VehicleView:
        """Give a vehicle.

        Raises:
            ProblemError: There is none of that name.
        """
        view = self.fleet.view.vehicles.get(vehicle_id)
        if view is None:
            raise ProblemError("vehicle-unknown", f"no vehicle is called {vehicle_id[:80]!r}")
        return view


def cloud_of(request: Request) -> Cloud:
    """Give what the application was made with."""
    cloud = request.app.state.cloud
    assert isinstance(cloud, Cloud)
    return cloud
