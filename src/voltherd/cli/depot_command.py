"""``voltherd depot command`` and ``book``: orders for a depot that runs in another process."""

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from voltherd.errors import ServiceError, UsageError

ANSWER_SECOND: Final = 3.0
"""How much longer than an order counts it is waited for its answer [s]."""
_LOOK_SECOND: Final = 0.05

command_app = typer.Typer(
    help=(
        "Have a station of a depot that runs do something; prints its answer in a line.  "
        "No command raises a limit: the guard alone says who gets how much."
    ),
    no_args_is_help=True,
)
Folder = Annotated[
    Path, typer.Argument(help="Folder of `voltherd depot run`: beside the site file, site.depot.")
]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout", min=1.0, max=600.0, help="Not carried out later than so many seconds from now."
    ),
]
Evse = Annotated[int, typer.Option("--evse", help="Which of the station's.")]


@command_app.callback()
def _to(
    context: typer.Context,
    folder: Folder,
    station: Annotated[str, typer.Argument(help="Its OCPP identity.")],
) -> None:
    context.obj = (folder, station)


@command_app.command()
def start(
    context: typer.Context,
    token: Annotated[str, typer.Option("--token", help="Who charges, by the site file.")],
    evse: Evse = 1,
    timeout: Timeout = 30.0,
) -> None:
    """Begin a transaction; it waits until the guard gives it power, at first maybe nothing."""
    _say(context, timeout, "start", token=token, evse=str(evse))


@command_app.command()
def stop(
    context: typer.Context,
    transaction: Annotated[
        str | None, typer.Option("--transaction", help="Which; where only one goes on, that one.")
    ] = None,
    timeout: Timeout = 30.0,
) -> None:
    """End a transaction; a charger that only starts and stops may be started again by the plan."""
    _say(context, timeout, "stop", transaction=transaction)


@command_app.command()
def reset(
    context: typer.Context,
    hard: Annotated[
        bool, typer.Option("--hard", help="At once, even if somebody charges.")
    ] = False,
    timeout: Timeout = 30.0,
) -> None:
    """Start the station anew."""
    _say(context, timeout, "reset", hard="yes" if hard else None)


@command_app.command()
def unlock(
    context: typer.Context,
    evse: Evse = 1,
    timeout: Timeout = 30.0,
) -> None:
    """Let go of a plug."""
    _say(context, timeout, "unlock", evse=str(evse))


@command_app.command()
def availability(
    context: typer.Context,
    to: Annotated[str, typer.Argument(metavar="TO", help="operative or inoperative.")],
    evse: Annotated[
        int | None, typer.Option("--evse", help="Which; the whole station where not given.")
    ] = None,
    timeout: Timeout = 30.0,
) -> None:
    """Serve, or do not."""
    _say(context, timeout, "availability", to=to, evse=None if evse is None else str(evse))


@command_app.command()
def diagnostics(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="Where to: ftp, ftps, http, https or sftp.")],
    timeout: Timeout = 30.0,
) -> None:
    """Upload the station's logs."""
    _say(context, timeout, "diagnostics", url=url)


@command_app.command()
def firmware(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="Where from: ftp, ftps, http, https or sftp.")],
    at: Annotated[
        str | None,
        typer.Option("--at", help="When to fetch it, as 18:30 or 2026-05-01T18:30; now if not."),
    ] = None,
    timeout: Timeout = 30.0,
) -> None:
    """Fetch firmware and install it."""
    _say(context, timeout, "firmware", url=url, at=at)


@command_app.command()
def setting(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="In 2.0.1 `Component.Variable`.")],
    value: Annotated[str, typer.Argument(help="As the station reads it.")],
    timeout: Timeout = 30.0,
) -> None:
    """Set one of the settings that touch neither power nor meters."""
    _say(context, timeout, "setting", name=name, value=value)


@command_app.command()
def schedule(
    context: typer.Context,
    evse: Evse = 1,
    hours: Annotated[float, typer.Option("--hours", help="For how long from now on.")] = 24.0,
    timeout: Timeout = 30.0,
) -> None:
    """Read back which limits the station says it holds."""
    _say(context, timeout, "schedule", evse=str(evse), hours=str(hours))


@command_app.command()
def cancel(
    context: typer.Context,
    reservation: Annotated[int, typer.Argument(help="Its number, as `depot book` told it.")],
    timeout: Timeout = 30.0,
) -> None:
    """Keep a charger for somebody no longer."""
    _say(context, timeout, "cancel", reservation=str(reservation))


def book(
    folder: Folder,
    token: Annotated[str, typer.Option("--token", help="Whom it is for, by the site file.")],
    near: Annotated[
        str, typer.Option("--from", metavar="LAT,LON", help="From where, in degrees: 52.52,13.40.")
    ],
    until: Annotated[
        str, typer.Option("--until", help="Kept until then, as 18:30 or 2026-05-01T18:30.")
    ],
    timeout: Timeout = 30.0,
) -> None:
    """Book the nearest charger that is free, works, is connected and is expected by nobody else."""
    _order(folder, "", "book", {"token": token, "from": near, "until": until}, timeout)


def _say(context: typer.Context, timeout: float, what: str, **words: str | None) -> None:
    folder, station = context.obj
    told = {name: word for name, word in words.items() if word is not None}
    _order(folder, station, what, told, timeout)


def _order(folder: Path, station: str, what: str, words: dict[str, str], timeout: float) -> None:
    """Give an order, wait for its answer and tell it."""
    from voltherd.cli.stations.compose import orders_in

    orders = orders_in(folder)
    order_id = orders.give(station, what, words, timeout)
    end = time.monotonic() + timeout + ANSWER_SECOND
    try:
        while (answered := orders.answer_to(order_id)) is None and time.monotonic() < end:
            time.sleep(_LOOK_SECOND)
    except BaseException:
        orders.take_back(order_id)
        raise
    if answered is None:
        if orders.take_back(order_id):
            raise ServiceError(
                "nobody took it, and it is taken back", where=str(folder), mend="does a depot run?"
            )
        raise ServiceError(
            "the depot took it and has not answered; it may have been carried out",
            where=str(folder),
        )
    if answered.verdict == "done":
        typer.echo(answered.text)
    elif answered.verdict == "refused":
        typer.echo(answered.text, err=True)
        raise typer.Exit(1)
    elif answered.verdict == "invalid":
        raise UsageError(answered.text)
    else:
        raise ServiceError(answered.text)
