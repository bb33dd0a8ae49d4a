"""``cloud.toml``: what the cloud is to do, checked when it is read."""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voltherd.errors import UsageError

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
Port = Annotated[int, Field(ge=0, le=65_535)]
Days = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """Ground of every section: values do not change, unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class StoreSection(Section):
    """Where telemetry is kept."""

    path: Path
    """Folder of the store; made where it is not there."""
    sample_days: Days | None = None
    """Samples older than that go, their summaries stay; None keeps them for ever [d]."""
    summary_days: Days | None = None
    """Summaries whose samples are gone [d]."""
    event_days: Days | None = None
    """Events and gaps [d]."""


class HttpSection(Section):
    """Where the API and the dashboard are reached."""

    host: str = "127.0.0.1"
    """Address to listen at; elsewhere than loopback TLS and a user are needed."""
    port: Port = 8600
    """0 takes a free one."""
    hosts: list[str] = []
    """Names under which browsers reach the service, beside host itself."""
    tls_cert: Path | None = None
    """Certificate chain (PEM)."""
    tls_key: Path | None = None
    """Its private key (PEM)."""
    streams_max: Annotated[int, Field(ge=1, le=10_000)] = 200
    """Most streams open at once."""


class MqttSection(Section):
    """How the broker is reached; without this section nothing is received."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 1883
    version: Literal["5", "3.1.1"] = "5"
    username: str = ""
    password_file: Path | None = None
    """A file whose first line is the password, so that it stands in no configuration."""
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class AccountsSection(Section):
    """Who may sign in."""

    path: Path | None = None
    """File of users and tokens; ``accounts.sqlite`` in the store's folder where not given."""


class WebhookSection(Section):
    """A service that is told of findings."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2000)]
    secret_file: Path
    """A file whose first line is the secret that signs what is sent."""
    severity: Literal["operating", "recommended", "safety"] = "recommended"
    """Findings milder than this are not told."""


class DepotSection(Section):
    """The depot whose charging is planned."""

    site: Path
    """Its site file; ``voltherd depot example`` prints one."""
    stations: Path | None = None
    """The journal of its charging stations, as ``voltherd depot run`` keeps it."""


class CloudConfig(Section):
    """All of it."""

    store: StoreSection
    http: HttpSection = HttpSection()
    mqtt: MqttSection | None = None
    accounts: AccountsSection = AccountsSection()
    webhook: list[WebhookSection] = []
    depot: DepotSection | None = None

    @property
    def open_to_others(self) -> bool:
        """Whether it listens elsewhere than on loopback."""
        return self.http.host not in LOOPBACK

    @property
    def accounts_path(self) -> Path:
        """File of users and tokens."""
        return self.accounts.path or self.store.path / "accounts.sqlite"


EXAMPLE: Final = """\
# voltherd cloud --config cloud.toml

[store]
path = "store"                  # telemetry, asset records, accounts
# sample_days = 90              # older samples go, their summaries stay; without it none go
# event_days = 730

[http]
host = "127.0.0.1"              # elsewhere, TLS and a user are needed
port = 8600
# hosts = ["fleet.example"]     # further names under which browsers reach it
# tls_cert = "cert.pem"
# tls_key = "key.pem"

[mqtt]                          # without this section nothing is received
host = "127.0.0.1"
port = 1883
version = "5"                   # or "3.1.1"
# tls = true
# ca_file = "ca.pem"
# username = "cloud"
# password_file = "mqtt-password"

# [depot]                       # tonight's charging on the dashboard
# site = "site.yaml"            # voltherd depot example prints one
# stations = "stations.sqlite"  # what its charging stations told

# [[webhook]]                   # told of findings, signed; docs/api.md says how
# url = "https://maintenance.example/voltherd"
# secret_file = "webhook-secret"
# severity = "recommended"
"""


def read_config(path: Path) -> CloudConfig:
    """Read a configuration; paths in it are as seen from its folder.

    Raises:
        UsageError: It cannot be read, is no TOML, or says what no configuration says.
    """
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            f"not a readable configuration ({told})",
            where=str(path),
            mend="voltherd cloud --example writes one to begin with",
        ) from error
    return _from(parse(plain, str(path)), path.absolute().parent)


def parse(plain: dict[str, Any], where: str) -> CloudConfig:
    """Check a configuration.

    Raises:
        UsageError: With the first thing that is wrong, and what may be meant.
    """
    try:
        return CloudConfig.model_validate(plain)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise _unknown(first["loc"], at, where) from error
        if first["type"] == "missing":
            raise UsageError(
                f"{at} is missing", where=where, mend="voltherd cloud --example shows one"
            ) from error
        raise UsageError(f"{at}: {first['msg']}", where=where) from error


def _unknown(loc: tuple[int | str, ...], at: str, where: str) -> UsageError:
    section: type[BaseModel] = CloudConfig
    for part in loc[:-1]:
        if isinstance(part, str):
            section = _SECTIONS[part]
    known = list(section.model_fields)
    like = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.5)
    mend = f"did you mean {like[0]}?" if like else f"known are {', '.join(known)}"
    return UsageError(f"unknown key {at}", where=where, mend=mend)


_SECTIONS: Final[dict[str, type[BaseModel]]] = {
    "store": StoreSection,
    "http": HttpSection,
    "mqtt": MqttSection,
    "accounts": AccountsSection,
    "webhook": WebhookSection,
    "depot": DepotSection,
}


def _from(config: CloudConfig, folder: Path) -> CloudConfig:
    """Make paths absolute."""

    def moved(section: Section) -> Section:
        found = {
            name: folder / value
            for name in type(section).model_fields
            if isinstance(value := getattr(section, name), Path)
        }
        return section.model_copy(update=found)

    return config.model_copy(
        update={
            "store": moved(config.store),
            "http": moved(config.http),
            "mqtt": moved(config.mqtt) if config.mqtt else None,
            "accounts": moved(config.accounts),
            "webhook": [moved(each) for each in config.webhook],
            "depot": moved(config.depot) if config.depot else None,
        }
    )


def secret_of(path: Path) -> str:
    """Read a secret: the first line of a file.

    Raises:
        UsageError: It cannot be read or is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"a secret that cannot be read ({told})", where=str(path)) from error
    if not lines or not lines[0].strip():
        raise UsageError("a secret that is empty", where=str(path), mend="write it on one line")
    return lines[0].strip()
