"""What every use case gets: made once by bootstrap, handed on as an argument."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pmo_hub.host.posting import Mailer, Poster
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work


@dataclass(frozen=True, slots=True)
class Hub:
    """`work` opens transactions, `now` tells an aware UTC time; `data_dir` holds the uploads of connections, of `most_upload_bytes` each.

    Connections may watch what lies in `watched_folders`. `public_url` is where sources and users reach the hub, without a slash at its
    end. `poster` posts to endpoints, `mailer` sends e-mails; None: the hub was not told how.
    """

    work: Work
    now: Callable[[], datetime]
    registry: Registry
    secrets: SecretBox
    throttles: Throttles
    data_dir: Path
    public_url: str = "http://127.0.0.1:8000"
    poster: Poster = field(default_factory=Poster)
    mailer: Mailer | None = None
    watched_folders: Sequence[Path] = ()
    most_upload_bytes: int = 512 * 1024 * 1024
