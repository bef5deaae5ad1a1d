"""The formats, each with what renders it."""

from __future__ import annotations

from collections.abc import Mapping

from pmo_hub.domain.formats import cloudevents, email, slack, standard, teams
from pmo_hub.domain.formats.body import MOST_BYTES, Body, Envelope, Format, Render

__all__ = ["MOST_BYTES", "RENDERERS", "Body", "Envelope", "Format", "Render"]

RENDERERS: Mapping[Format, Render] = {
    Format.STANDARD: standard.render,
    Format.CLOUDEVENTS: cloudevents.render,
    Format.SLACK: slack.render,
    Format.TEAMS: teams.render,
    Format.EMAIL: email.render,
}
