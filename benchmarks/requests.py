"""What the hub's requests to each source are for, by a part of their path; every other one reads the source's dictionaries."""

from __future__ import annotations

Kinds = tuple[tuple[str, str], ...]

KINDS: dict[str, Kinds] = {
    "jira": (
        ("/search/jql", "issues"),
        ("/search/approximate-count", "count"),
        ("/worklog/", "worklogs"),
        ("/changelog/bulkfetch", "history"),
        ("/rest/agile/", "agile"),
        ("/myself", "sign_in"),
        ("/project/search", "sign_in"),
        ("/tenant_info", "sign_in"),
        ("/serverInfo", "sign_in"),
    ),
    "trello": (("/batch", "batches"), ("/actions", "actions"), ("/cards", "cards"), ("/members/me", "sign_in")),
    "dataverse": (("/token", "sign_in"), ("/openid-configuration", "sign_in"), ("/WhoAmI", "sign_in"), ("/msdyn_", "rows")),
    "planner": (("/token", "sign_in"), ("/openid-configuration", "sign_in"), ("/planner/", "lists"), ("/$batch", "batches")),
    "msproject": (("/ProjectServer/Projects(", "projects"), ("/ProjectServer/Projects", "list"), ("/ProjectData", "reports")),
}
"""By connector; the first part that a path holds counts."""


def kind_of(kinds: Kinds, path: str) -> str:
    return next((kind for part, kind in kinds if part in path), "reference")
