"""``voltherd cloud``: the service beside the fleet, and who may use it."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from voltherd.errors import UsageError

if TYPE_CHECKING:
    from voltherd.cloud.config import CloudConfig

NAME_LENGTH_MAX: Final = 64
cloud_app = typer.Typer(help="Serve a fleet: intake, live twins, triage, API, dashboard.")
user_app = typer.Typer(help="People who may sign in.", no_args_is_help=True)
token_app = typer.Typer(help="Machines that may ask.", no_args_is_help=True)
cloud_app.add_typer(user_app, name="user")
cloud_app.add_typer(token_app, name="token")

Config = Annotated[Path | None, typer.Option("--config", help="TOML; see --example.")]
StoreFolder = Annotated[
    Path | None, typer.Option("--store", help="Store, in place of the configuration's.")
]
Name = Annotated[str, typer.Argument(help="Name.", show_default=False)]


@cloud_app.callback(invoke_without_command=True)
def cloud(
    context: typer.Context,
    config: Config = None,
    store: StoreFolder = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port in place of the configuration's; 0: free.")
    ] = None,
    no_bus: Annotated[
        bool, typer.Option("--no-bus", help="Receive nothing; show what the store holds.")
    ] = False,
    as_of_last: Annotated[
        bool,
        typer.Option("--as-of-last", help="Set the clock to the newest sample of the store."),
    ] = False,
    example: Annotated[
        bool, typer.Option("--example", help="Print a configuration to begin with.")
    ] = False,
) -> None:
    """Serve a fleet: intake, live twins, triage, API, dashboard."""
    if context.invoked_subcommand is not None:
        return
    if example:
        from voltherd.cloud.config import EXAMPLE

        typer.echo(EXAMPLE, nl=False)
        return
    from voltherd.cloud.clocks import WallClock
    from voltherd.cloud.compose import Given, compose
    from voltherd.cloud.stores.compose import newest_second

    found = configured(config, store, port, bus=not no_bus)
    given = Given()
    if as_of_last:
        newest = newest_second(found.store.path)
        given = Given(clock=WallClock(shift_second=newest - time.time()))
    running = compose(found, given)
    typer.echo(f"voltherd cloud at {running.url}", err=True)
    running.run()


def configured(
    config: Path | None, store: Path | None, port: int | None, *, bus: bool
) -> "CloudConfig":
    """Join what the file and what the command line say.

    Raises:
        UsageError: Neither says where the store is, or the file is wrong.
    """
    from voltherd.cloud.config import CloudConfig, HttpSection, StoreSection, read_config

    if config is None and store is None:
        raise UsageError(
            "nothing says where the store is",
            mend="give --config cloud.toml (voltherd cloud --example prints one), or --store STORE",
        )
    found = read_config(config) if config else CloudConfig(store=StoreSection(path=store or Path()))
    if store is not None:
        found = found.model_copy(update={"store": StoreSection(path=store.absolute())})
    if port is not None:
        if not 0 <= port <= 65_535:
            raise UsageError(f"{port} is no port", where="--port", mend="choose 0 to 65535")
        http = HttpSection(**(found.http.model_dump() | {"port": port}))
        found = found.model_copy(update={"http": http})
    return found if bus else found.model_copy(update={"mqtt": None})


def _accounts(config: Path | None, store: Path | None) -> Any:  # noqa: ANN401 (an adapter)
    from voltherd.cli.compose import account_book

    return account_book(configured(config, store, None, bus=False).accounts_path)


def _checked(name: str) -> str:
    if not name.strip() or len(name) > NAME_LENGTH_MAX or not name.isprintable():
        raise UsageError(f"{name[:80]!r} is no name", mend="take 1 to 64 printable characters")
    return name.strip()


@user_app.command(name="add")
def user_add(name: Name, config: Config = None, store: StoreFolder = None) -> None:
    """Add somebody who may sign in, or set a new password; it is read from standard input."""
    from voltherd.cloud.access import hash_password

    book = _accounts(config, store)
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    book.put_user(_checked(name), hash_password(password), time.time())
    typer.echo(f"{name} may sign in")


@user_app.command(name="remove")
def user_remove(name: Name, config: Config = None, store: StoreFolder = None) -> None:
    """Remove somebody; sessions end at once."""
    _accounts(config, store).remove("user", name)
    typer.echo(f"{name} may no longer sign in")


@token_app.command(name="add")
def token_add(name: Name, config: Config = None, store: StoreFolder = None) -> None:
    """Make a token for a machine, and print it once; an earlier one of this name ends."""
    from voltherd.cloud.access import new_token

    token, digest = new_token()
    _accounts(config, store).put_token(_checked(name), digest, time.time())
    typer.echo(token)
    typer.echo("shown only now; send it as 'Authorization: Bearer …'", err=True)


@token_app.command(name="remove")
def token_remove(name: Name, config: Config = None, store: StoreFolder = None) -> None:
    """Remove a machine's token."""
    _accounts(config, store).remove("token", name)
    typer.echo(f"{name}'s token is void")
