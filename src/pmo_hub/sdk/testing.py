"""Tests that every connector gets for free.

An author subclasses `ConnectorSuite` in a test module, under a name that begins with Test, and gives it a connector, a config and a source
that the tests may change and break; `Ports` says which. What the source can't do is left out and its tests skip with the reason.

    class TestAsana(ConnectorSuite):
        connector = AsanaConnector()

        def setup_method(self) -> None:
            self.site = AsanaSite()

        def config(self) -> dict[str, str]:
            return {"url": self.site.url, "token": self.site.token}

        def scopes(self) -> list[str]:
            return ["1200", "1300"]
"""

from __future__ import annotations

from pmo_hub.sdk.testing_changes import Changes
from pmo_hub.sdk.testing_context import MemoryContext, MemoryCredentials, MemoryFiles
from pmo_hub.sdk.testing_declared import Declared
from pmo_hub.sdk.testing_hooks import Deliveries
from pmo_hub.sdk.testing_host import BrokenRule, Held, MemoryHost, Sync
from pmo_hub.sdk.testing_mapping import Mappings
from pmo_hub.sdk.testing_ports import Fault
from pmo_hub.sdk.testing_reading import Reading

__all__ = ["BrokenRule", "ConnectorSuite", "Fault", "Held", "MemoryContext", "MemoryCredentials", "MemoryFiles", "MemoryHost", "Sync"]


class ConnectorSuite(Declared, Reading, Changes, Mappings, Deliveries):
    """What a connector promises to the host, as tests."""
