"""Options that commands over telemetry share: what to read, and how."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voltherd.cli.compose import Reading

Paths = Annotated[list[Path], typer.Argument(help="Files, folders or stores.", show_default=False)]
Dbc = Annotated[Path | None, typer.Option("--dbc", help="DBC, KCD or ARXML that decodes CAN logs.")]
ProfileFile = Annotated[
    Path | None, typer.Option("--profile", help="TOML that says what columns mean; see import.")
]
VehicleName = Annotated[
    str | None,
    typer.Option("--vehicle", help="Whose data it is where no column says; else the file's name."),
]
Timezone = Annotated[
    str, typer.Option("--timezone", help="Zone of time stamps that name none, as Europe/Berlin.")
]
Budget = Annotated[
    float | None,
    typer.Option("--budget", help="False alarms to show at most per 1,000 vehicle-days."),
]
CostMiss = Annotated[
    float | None, typer.Option("--cost-miss", help="Cost of a fault that nobody was told of.")
]
CostVisit = Annotated[
    float | None, typer.Option("--cost-visit", help="Cost of looking at a vehicle; same currency.")
]
CostRecall = Annotated[
    float | None,
    typer.Option("--cost-recall", help="Cost of looking at all vehicles of a kind at once."),
]
Html = Annotated[Path | None, typer.Option("--html", help="Write a self-contained page.")]


def listed(text: str, allowed: "Sequence[str] | None", option: str) -> tuple[str, ...]:
    """Give the names of a list with commas between.

    Raises:
        UsageError: One of them is not allowed.
    """
    from voltherd.errors import UsageError

    names = tuple(name.strip() for name in text.split(",") if name.strip())
    wrong = [name for name in names if allowed is not None and name not in allowed]
    if wrong:
        raise UsageError(
            f"{option} knows no {', '.join(wrong)}", mend="one of " + ", ".join(allowed or ())
        )
    return names


def reading_of(
    paths: list[Path], dbc: Path | None, profile: Path | None, timezone: str, vehicle: str | None
) -> "Reading":
    """Give how sources are to be read."""
    from voltherd.cli.compose import Reading, read_profile

    return Reading(
        dbc=dbc,
        profile=read_profile(profile) if profile else None,
        timezone=timezone,
        vehicle_id=vehicle,
        paths=tuple(paths),
    )
