"""``voltherd edge``: the process beside a vehicle."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from voltherd.errors import UsageError


def edge(
    config: Annotated[Path | None, typer.Option("--config", help="TOML; see --example.")] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Print a configuration to begin with.")
    ] = False,
    every: Annotated[
        float, typer.Option("--every", min=0.0, help="Seconds between lines of state; 0 for none.")
    ] = 60.0,
) -> None:
    """Watch a vehicle's bus: protect, estimate, and send to the cloud what it will not lose."""
    if example:
        from voltherd.edge.config import EXAMPLE

        typer.echo(EXAMPLE, nl=False)
        return
    if config is None:
        raise UsageError(
            "nothing says which vehicle this is",
            mend="give --config edge.toml; --example prints one to begin with",
        )
    typer.echo(run(config, every))


def run(path: Path, every_second: float) -> str:
    """Run an edge until it is told to stop, and say how it went.

    Args:
        path: The configuration's file.
        every_second: Distance of lines of state on standard error; none where 0 [s].

    Raises:
        UsageError: The configuration cannot work.
        InputError: The database cannot be used.
        StoreError: The outbox cannot be opened.
    """
    from voltherd.edge.compose import compose
    from voltherd.edge.config import read_config

    stop = threading.Event()
    running = compose(read_config(path))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        typer.echo(f"voltherd edge: {running.summary()}", err=True)
        if every_second > 0.0:
            telling = (running.summary, stop, every_second)
            threading.Thread(target=_tell, args=telling, daemon=True).start()
        running.run(stop)
    finally:
        running.close()
    return running.summary()


def _tell(summary: Callable[[], str], stop: threading.Event, every_second: float) -> None:
    while not stop.wait(every_second):
        typer.echo(f"voltherd edge: {summary()}", err=True)
