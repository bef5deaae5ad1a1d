"""A process that runs jobs and nothing else: `python -m pmo_hub.worker`, the same as `pmo-hub worker`."""

from __future__ import annotations

import sys

from pmo_hub import bootstrap, log, settings


def main() -> None:
    """Jobs were run until the process was asked to stop."""
    try:
        given = settings.load()
        log.configure(given.log_level, given.log_format)
        bootstrap.work(given, bootstrap.stopped_by_signal())
    except (settings.SettingsError, bootstrap.CannotStart) as error:
        print(f"pmo-hub: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
