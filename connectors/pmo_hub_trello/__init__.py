"""Connector for Trello: boards by the REST API, and board export files."""
