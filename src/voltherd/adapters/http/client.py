"""One question to another service: nothing followed, nothing asked of the environment."""

import http.client
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from voltherd.errors import ServiceError

TIMEOUT_SECOND: Final = 10.0
_ANSWER_BYTES_MAX: Final = 64 << 10
_DOCUMENT_BYTES_MAX: Final = 32 << 20


def post(
    url: str, headers: Mapping[str, str], body: bytes, timeout_second: float = TIMEOUT_SECOND
) -> int:
    """Send a body and give the status of the answer.

    Redirections are not followed and proxies of the environment not used, so that what is sent
    goes where the configuration says and nowhere else.  Over TLS the other's certificate is
    checked against what the system trusts.

    Raises:
        ServiceError: No answer came.
    """
    return _ask("POST", url, headers, body, timeout_second, _ANSWER_BYTES_MAX)[0]


def get(
    url: str, headers: Mapping[str, str], timeout_second: float = TIMEOUT_SECOND
) -> tuple[int, bytes]:
    """Ask for a document and give the status of the answer and what it says; see ``post``.

    Raises:
        ServiceError: No answer came, or one longer than anybody needs.
    """
    status, answer = _ask("GET", url, headers, None, timeout_second, _DOCUMENT_BYTES_MAX + 1)
    if len(answer) > _DOCUMENT_BYTES_MAX:
        raise ServiceError("its answer is too long", where=urlsplit(url).netloc)
    return status, answer


def _ask(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    timeout_second: float,
    most_bytes: int,
) -> tuple[int, bytes]:
    parts = urlsplit(url)
    assert parts.hostname is not None and parts.scheme in ("http", "https")
    con: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        con = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=timeout_second, context=context
        )
    else:
        con = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_second)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        con.request(method, path, body, dict(headers))
        answer = con.getresponse()
        read = answer.read(most_bytes)
    except (OSError, http.client.HTTPException) as error:
        told = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ServiceError(f"no answer ({told})", where=parts.netloc) from error
    else:
        return answer.status, read
    finally:
        con.close()
