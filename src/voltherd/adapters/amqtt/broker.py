"""A broker in this process: for the demo and for tests, on loopback, without a disk.

amqtt speaks MQTT 3.1.1 and carries some 1,600 messages a second; production wants Mosquitto.  It
runs on an event loop and a thread of its own, keeps quiet, and comes back on the same port.
"""

import asyncio
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, final

from voltherd.errors import ServiceError

if TYPE_CHECKING:
    from amqtt.broker import Broker

HOST: Final = "127.0.0.1"
_LISTENER: Final = "default"
_STOP_SECOND: Final = 1.0
_LOG: Final = logging.getLogger(__name__)


@final
class LocalBroker:
    """An MQTT 3.1.1 broker on a loopback port; open to this machine, as loopback is."""

    def __init__(self, port: int = 0) -> None:
        """Make a broker that does not run yet.

        Args:
            port: Where; 0 chooses a free one at the first start.
        """
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Where it listens; 0 before the first start."""
        return self._port

    def start(self) -> None:
        """Run, and return when clients can connect.

        Raises:
            ServiceError: It cannot listen.
        """
        assert self._thread is None, "the broker runs already"
        _keep_quiet()
        started = threading.Event()
        wrong: list[Exception] = []
        thread = threading.Thread(target=self._run, args=(started, wrong), daemon=True)
        thread.start()
        started.wait()
        if wrong:
            thread.join()
            raise ServiceError(
                f"the broker cannot listen ({wrong[0]})",
                where=f"{HOST}:{self._port}",
                mend="end what listens there, or choose another port",
            ) from wrong[0]
        self._thread = thread

    def stop(self) -> None:
        """Throw every client off and stop; what was retained is gone."""
        thread, loop, stopping = self._thread, self._loop, self._stopping
        if thread is None or loop is None or stopping is None:
            return
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        self._thread = self._loop = self._stopping = None

    def restart(self) -> None:
        """Stop, and start on the same port, without what was retained."""
        self.stop()
        self.start()

    def _run(self, started: threading.Event, wrong: list[Exception]) -> None:
        try:
            asyncio.run(self._serve(started))
        except Exception as error:
            if started.is_set():
                raise
            wrong.append(error)
        finally:
            started.set()

    async def _serve(self, started: threading.Event) -> None:
        from amqtt.broker import Broker

        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_note)
        broker = Broker(
            {
                "listeners": {_LISTENER: {"type": "external"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {}},
            }
        )
        await broker.start()
        visits = _Visits(broker)
        server = await asyncio.start_server(visits.receive, HOST, self._port)
        self._port = int(server.sockets[0].getsockname()[1])
        self._loop, self._stopping = loop, asyncio.Event()
        started.set()
        await self._stopping.wait()
        server.close()
        # First the connections, then the broker: amqtt's own shutdown hangs on a busy one.
        await visits.end()
        with suppress(Exception):  # of a broker that is going away anyway
            await asyncio.wait_for(broker.shutdown(), _STOP_SECOND)


@final
class _Visits:
    """The connections of a broker.

    amqtt leaves a connection open whose client was lost, so the sockets are opened and closed here.
    """

    def __init__(self, broker: "Broker") -> None:
        self._broker = broker
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let a client in, until it goes."""
        from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter

        task = asyncio.current_task()
        assert task is not None
        self._open[writer] = task
        try:
            await self._broker.external_connected(
                StreamReaderAdapter(reader), StreamWriterAdapter(writer), _LISTENER
            )
        except Exception as error:
            _LOG.debug("a client of the broker: %r", error)
        finally:
            del self._open[writer]
            writer.transport.abort()

    async def end(self) -> None:
        """Close what is still open."""
        tasks = list(self._open.values())
        for writer in list(self._open):
            writer.transport.abort()
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_SECOND)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Note what a task of a vanished connection raised; nobody in amqtt waits for it."""
    _LOG.debug("in the broker: %s", context.get("message"))


def _keep_quiet() -> None:
    """Silence what amqtt says of every client that comes and goes."""
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
