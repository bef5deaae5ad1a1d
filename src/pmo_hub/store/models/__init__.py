"""All tables; importing this package fills `Base.metadata`."""

from pmo_hub.store.models import canonical, governance, hooks, operation, portfolio, source

__all__ = ["canonical", "governance", "hooks", "operation", "portfolio", "source"]
