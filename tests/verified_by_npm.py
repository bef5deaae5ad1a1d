"""What the hub signs, verified by the JavaScript library of the specification: `python -m tests.verified_by_npm`.

Outside CI, as it wants node and npm and fetches one package (standardwebhooks) into a folder that is gone after.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pmo_hub.domain.delivery import encode_secret, signed_headers
from pmo_hub.domain.events import CATALOGUE, Event, Notice
from pmo_hub.domain.formats import Envelope, standard

SCRIPT = """
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";
let genuine = 0, forged = 0;
for (const { secret, headers, body } of JSON.parse(readFileSync("cases.json", "utf8"))) {
  const told = new Webhook(secret).verify(body, headers);
  if (told.type !== JSON.parse(body).type) throw new Error("another body");
  genuine += 1;
  try { new Webhook(secret).verify(body + " ", headers); } catch { forged += 1; }
}
console.log(JSON.stringify({ genuine, forged }));
"""


def main() -> int:
    """0 when each message is verified and none that was altered is."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("There is no node and npm here: nothing was verified.", file=sys.stderr)
        return 2
    now = datetime.now(UTC)
    cases = []
    for type in CATALOGUE.values():
        event = Event(secrets.token_hex(16), type.name, now, type.entity, secrets.token_hex(16), 1, type.example)
        notice = Notice(event, "https://hub.example/api/v1/x", subject="Zürich 仓库 – ✓")
        body = standard.render([notice], Envelope(event.id, now, "https://hub.example", "s", "Ops"))
        both = [encode_secret(secrets.token_bytes(32)) for _ in range(2)]
        headers = signed_headers(both, event.id, now, body.content)
        cases += [{"secret": one, "headers": headers, "body": body.content.decode()} for one in both]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cases.json").write_text(json.dumps(cases))
        (folder / "verify.mjs").write_text(SCRIPT)
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "standardwebhooks"]
        subprocess.run(npm, cwd=folder, check=True)
        done = subprocess.run(["node", "verify.mjs"], cwd=folder, check=True, capture_output=True, text=True)
        version = json.loads((folder / "node_modules" / "standardwebhooks" / "package.json").read_text())["version"]
    found = json.loads(done.stdout)
    print(f"standardwebhooks {version} (npm): {found['genuine']} of {len(cases)} verified, {found['forged']} altered ones refused")
    return 0 if found == {"genuine": len(cases), "forged": len(cases)} else 1


if __name__ == "__main__":
    sys.exit(main())
