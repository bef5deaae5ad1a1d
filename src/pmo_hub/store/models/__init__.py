"""All tables; importing this package fills `Base.metadata`."""

from pmo_hub.store.models import canonical, governance, hooks, iterations, many_tools, operation, people, plans, portfolio, source

__all__ = ["canonical", "governance", "hooks", "iterations", "many_tools", "operation", "people", "plans", "portfolio", "source"]
