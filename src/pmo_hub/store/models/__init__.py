"""All tables; importing this package fills `Base.metadata`."""

from pmo_hub.store.models import canonical, governance, iterations, operation, portfolio, source

__all__ = ["canonical", "governance", "iterations", "operation", "portfolio", "source"]
