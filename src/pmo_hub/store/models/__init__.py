"""All tables; importing this package fills `Base.metadata`."""

from pmo_hub.store.models import canonical, governance, operation, people, portfolio, source

__all__ = ["canonical", "governance", "operation", "people", "portfolio", "source"]
