"""Words of the simulated organisation."""
from __future__ import annotations

from random import Random

FIRST = ("Amara", "Bjørn", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Inés", "Jonas", "Kavya", "Lucía", "Mateus", "Nadia",
         "Oskar", "Priya", "Quentin", "Rosa", "Sanna", "Tomás", "Ulrike", "Vikram", "Wanda", "Xin", "Yusuf", "Zoë")
LAST = ("Adeyemi", "Bergström", "Castelli", "Dvořák", "Eriksen", "Fontaine", "García", "Hoffmann", "Ivanova", "Jansen", "Kowalski",
        "Lindqvist", "Moreau", "Nakamura", "Okafor", "Petrov", "Quinn", "Rossi", "Schäfer", "Tanaka", "Usman", "Villanueva", "Weiss",
        "Yılmaz", "Zhang")

LABELS = (("Bug", "red"), ("Content", "green"), ("Design", "purple"), ("High priority", "orange"), ("Risk", "black"), ("", "sky"))
STEPS = ("Collect what is there", "Draft", "Ask for comments", "Agree on the result", "Tell everybody")
REMARKS = ("Waiting for an answer from the agency.", "Looks good, one question about the figures.", "Moved on after yesterday's call.",
           "Can we split this?", "Agreed with the steering group.", "The supplier is a week late.")
_VERBS = ("Prepare", "Write", "Review", "Order", "Translate", "Publish", "Plan", "Check", "Replace", "Collect")
_THINGS = ("landing page", "press kit", "floor plan", "photo gallery", "speaker list", "contact form", "style guide", "newsletter",
           "price list", "video script", "welcome folder", "search index", "menu structure", "travel bookings", "posters")
_WHERE = ("for the launch", "in three languages", "with the new logo", "for partners", "before the freeze", "on all devices",
          "for the board")


def title(random: Random) -> str:
    return f"{random.choice(_VERBS)} {random.choice(_THINGS)} {random.choice(_WHERE)}"
