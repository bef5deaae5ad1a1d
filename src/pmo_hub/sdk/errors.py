"""What a connector may raise; each error says who has to act.

ConnectorError
├── ConfigError      admin: a setting is wrong
│   └── RetiredError admin: the source has ended for good; the schedule pauses, and what was read stays readable
├── AuthError        admin: the source refuses the credential; the schedule pauses
│   └── ReauthError  admin: a person has to sign in again, nothing else helps
├── ScopeError       host: asks for partitions again without that scope, in the same run
├── StateError       host: drops the partition's keys, reads it in full, enqueues a census
├── HookError        nobody: a webhook's delivery that its source can't have sent is refused and counted
├── RecordError      mapper only: that payload is quarantined, the rest goes on
└── TransientError   nobody: the job is retried, after `retry_after` when the source names a time
    └── AddressError the host name leads nowhere: the name service may fail for now, or the source is no more

Anything else is a bug: the run fails with its traceback.
"""

from __future__ import annotations

from datetime import timedelta


class ConnectorError(Exception):
    """Base of everything that a connector raises on purpose; its text is one sentence for the admin."""


class ConfigError(ConnectorError):
    """A setting of the connection is wrong; the text says which and what to do."""


class RetiredError(ConfigError):
    """The source has ended, or moved for good; the text says what it answers and what to do.

    `is_certain` False: so does a fault of our own network look (a host name that is not found), and only its lasting tells.
    """

    def __init__(self, why: str, is_certain: bool = True) -> None:
        super().__init__(why)
        self.is_certain = is_certain


class AuthError(ConnectorError):
    """The source refuses the credential; the text says what to renew."""


class ReauthError(AuthError):
    """What an interactive sign-in gave has ended; the text says why, and to authorize the connection again."""


class ScopeError(ConnectorError):
    """One scope can't be read any more, the others can."""

    def __init__(self, scope: str, why: str) -> None:
        super().__init__(why)
        self.scope = scope


class StateError(ConnectorError):
    """The source refuses the state (a page token, a delta link) that a partition resumed from."""

    def __init__(self, partition: str, why: str) -> None:
        super().__init__(why)
        self.partition = partition


class HookError(ConnectorError):
    """A delivery lacks the signature of its source, or has a wrong one; the text quotes neither."""


class RecordError(ConnectorError):
    """One payload can't be mapped; raised by a mapper only."""


class TransientError(ConnectorError):
    """The source can't answer now; `retry_after` is how long it asked us to stay away."""

    def __init__(self, why: str, retry_after: timedelta | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class AddressError(TransientError):
    """The name service says that the host does not exist. It may know it again later."""
