"""A command as a person starts it, in this process; `test_commands` starts a process for each."""

from typer.testing import CliRunner

from voltherd.cli.main import app


def voltherd_run(*words):
    """What it said and its exit code; an error that is not ours is raised."""
    shown = {"NO_COLOR": "1", "COLUMNS": "120"}
    return CliRunner().invoke(app, [*map(str, words)], env=shown, catch_exceptions=False)
