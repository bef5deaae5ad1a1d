"""pmo-hub: one versioned model of the work in many tools, and what a PMO asks of it."""

__version__ = "0.1.0"
