"""What the host lends to an open source."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from pmo_hub import log
from pmo_hub.host import configuration
from pmo_hub.host.files import FolderFiles
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import (
    HostContext,
    StoredCredentials,
    Throttles,
    TriedCredentials,
    open_source,
    sealed_secrets,
    throttle_key,
    trial_key,
    try_source,
)
from pmo_hub.sdk.contract import Context, RateLimit
from pmo_hub.sdk.errors import AuthError, ConfigError
from pmo_hub.services.hub import Hub
from pmo_hub.store.models.source import Connection
from pmo_hub.store.repositories import connections
from pmo_hub.store.repositories.connections import Stored
from pmo_hub.store.secrets import SecretBox, UnknownKey
from pmo_hub.store.unit_of_work import Work
from tests.serving import SECRET_KEY, clock, shelf_hub
from tests.shelf import RIGHT_TOKEN, ShelfConnector, config
from tests.stored import connection_row

__all__ = ["clock", "shelf_hub"]

ID = "c" * 32
LIMIT = RateLimit(10, 1.0, 2)


@pytest.fixture
def stored(shelf_hub: Hub) -> Stored:
    """A connection to the shelf, as it is stored."""
    shelf = configuration.checked(ShelfConnector(), config())
    row = connection_row(shelf_hub.now()) | {"connector": "shelf", "config": dict(shelf.plain)}
    row["secrets"] = sealed_secrets(shelf_hub, shelf, ID)
    with shelf_hub.work.write() as session:
        session.execute(sa.insert(Connection).values(row))
    with shelf_hub.work.read() as session:
        return connections.get(session, ID)


def test_a_stored_connection_opens_with_its_secrets(shelf_hub: Hub, stored: Stored) -> None:
    with open_source(shelf_hub, stored) as opened:
        assert opened.source.check() == "You are Librarian and see 3 shelves."
        assert opened.requests() == 1
        assert opened.concurrency == 4


def test_the_row_holds_no_readable_secret(stored: Stored) -> None:
    assert RIGHT_TOKEN not in json.dumps(stored.config)
    assert RIGHT_TOKEN.encode() not in stored.secrets


def test_secrets_of_another_connection_do_not_open(shelf_hub: Hub, stored: Stored) -> None:
    swapped = Stored("d" * 32, *(getattr(stored, name) for name in Stored.__slots__[1:]))
    with pytest.raises(ConfigError, match="altered or belongs to another row"), open_source(shelf_hub, swapped):
        pass


def test_a_lost_key_says_which_one_it_was(shelf_hub: Hub, stored: Stored) -> None:
    other = Hub(shelf_hub.work, shelf_hub.now, shelf_hub.registry, SecretBox([bytes(32)]), Throttles(), shelf_hub.data_dir)
    with pytest.raises(ConfigError, match="which the hub was not given"), open_source(other, stored):
        pass


def test_a_connector_that_is_gone_is_a_matter_for_the_admin(shelf_hub: Hub, stored: Stored) -> None:
    bare = Hub(shelf_hub.work, shelf_hub.now, Registry.of(), shelf_hub.secrets, Throttles(), shelf_hub.data_dir)
    with pytest.raises(ConfigError, match="'shelf' is not installed"), open_source(bare, stored):
        pass


def test_an_error_that_quotes_a_secret_is_redacted(shelf_hub: Hub) -> None:
    connector = ShelfConnector()
    wrong = configuration.checked(connector, config(token="quoted-by-the-plugin"))
    with pytest.raises(AuthError) as raised, try_source(shelf_hub, connector, wrong) as opened:
        opened.source.check()
    assert str(raised.value) == "The shelf does not accept the token ***; create a new one."


def test_secrets_of_an_opened_source_never_reach_the_log(shelf_hub: Hub) -> None:
    connector = ShelfConnector()
    with try_source(shelf_hub, connector, configuration.checked(connector, config(token="masked-everywhere"))):
        assert log.mask("it said masked-everywhere") == "it said ***"
    log.forget_secrets()


def test_one_account_at_one_source_has_one_throttle_and_another_its_own() -> None:
    throttles = Throttles()
    mine = throttle_key("shelf", "shelf.example", "Librarian")
    assert throttles.of(mine, LIMIT) is throttles.of(throttle_key("shelf", "shelf.example", "Librarian"), LIMIT)
    others = [("shelf", "shelf.example", "Reader"), ("shelf", "other.example", "Librarian"), ("drawer", "shelf.example", "Librarian")]
    assert [throttles.of(throttle_key(*other), LIMIT) is throttles.of(mine, LIMIT) for other in others] == [False] * 3


def test_two_connections_of_one_account_share_what_it_may_ask(shelf_hub: Hub, stored: Stored) -> None:
    twin = replace(stored, id="d" * 32, name="Twin", secrets=b"")
    twin = replace(twin, secrets=sealed_secrets(shelf_hub, configuration.checked(ShelfConnector(), config()), twin.id))
    with open_source(shelf_hub, stored) as mine, open_source(shelf_hub, twin) as theirs:
        mine.context.throttled.penalise(0.0, "burst")
        theirs.source.check()
    (standing,) = shelf_hub.throttles.standings([throttle_key("shelf", stored.namespace, stored.account)]).values()
    assert (standing.concurrency, standing.reason) == (ShelfConnector.rate_limit.concurrency // 2, "burst")


def test_what_names_a_trial_knows_no_secret() -> None:
    connector = ShelfConnector()
    plain = [configuration.checked(connector, config(token=token)).plain for token in (RIGHT_TOKEN, "other")]
    assert trial_key("shelf", plain[0]) == trial_key("shelf", plain[1])
    assert trial_key("shelf", plain[0]) != trial_key("shelf", {**plain[0], "url": "https://elsewhere.example"})


def test_credentials_are_saved_only_over_the_version_that_was_read(work: Work, shelf_hub: Hub, stored: Stored) -> None:
    box = SecretBox([SECRET_KEY])
    mine, theirs = StoredCredentials(work, box, ID), StoredCredentials(work, box, ID)
    assert mine.load() == (b"", 0)
    assert mine.save(b"first", 0)
    assert not theirs.save(b"too late", 0)
    assert theirs.load() == (b"first", 1)
    assert theirs.save(b"second", 1)
    assert not mine.save(b"too late", 1)
    assert mine.load() == (b"second", 2)
    with pytest.raises(UnknownKey):
        StoredCredentials(work, SecretBox([bytes(32)]), ID).load()


def test_tried_credentials_compare_and_swap_without_a_store() -> None:
    tried = TriedCredentials()
    assert tried.load() == (b"", 0)
    assert tried.save(b"first", 0)
    assert not tried.save(b"too late", 0)
    assert tried.load() == (b"first", 1)


def test_files_are_those_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "plan.xml").write_bytes(b"<Project/>")
    (tmp_path / "inner").mkdir()
    files = FolderFiles(tmp_path)
    assert list(files.names()) == ["plan.xml"]
    with files.open("plan.xml") as file:
        assert file.read() == b"<Project/>"


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert list(FolderFiles(tmp_path / "none").names()) == []


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..", ".", "", "inner/plan.xml", "a\0b", "a\\b"])
def test_a_file_name_is_never_a_path(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "files"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "plan.xml").touch()
    (tmp_path / "secret").touch()
    with pytest.raises(FileNotFoundError), FolderFiles(folder).open(name):
        pass


def test_what_is_lent_is_what_the_contract_promises(shelf_hub: Hub, tmp_path: Path) -> None:
    connector = ShelfConnector()
    with try_source(shelf_hub, connector, configuration.checked(connector, config())) as opened:
        lent: Context = opened.context
        assert isinstance(lent, HostContext)
        assert lent.now() == shelf_hub.now()
        with lent.http("https://shelf.example") as client:
            assert str(client.base_url) == "https://shelf.example"
