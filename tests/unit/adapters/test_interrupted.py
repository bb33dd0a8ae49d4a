"""Ctrl-C while DuckDB works is an interruption, not a failure of its own."""

import threading

import pytest

from voltherd.adapters.files import duck
from voltherd.adapters.parquet import store

LONG = "SELECT count(*) FROM range(100000) a, range(100000) b WHERE (a.range * b.range) % 7 = 3"


@pytest.mark.parametrize("connection", [duck.connection, store.connection])
def test_a_query_that_is_interrupted_ends_as_ctrl_c_does(connection):
    with pytest.raises(KeyboardInterrupt):
        interrupt_while_working(connection)


def interrupt_while_working(connection):
    with connection() as con:
        threading.Timer(0.2, con.interrupt).start()
        con.execute(LONG).fetchall()


@pytest.mark.parametrize("connection", [duck.connection, store.connection])
def test_any_other_error_stays_what_it_is(connection):
    with pytest.raises(RuntimeError, match="of another kind"), connection():
        raise RuntimeError("of another kind")
    with pytest.raises(KeyboardInterrupt), connection():
        raise RuntimeError("Query interrupted")
