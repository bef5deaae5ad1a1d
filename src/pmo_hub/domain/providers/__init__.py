"""Providers: from a project's settings and items to facts, one module a subject."""
