"""From a connection's way of signing in to an HTTP client that is signed in, at the address where that way is accepted."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from pmo_hub.sdk.contract import Context
from pmo_hub.sdk.http import Auth, BasicAuth, Client, Request, Response
from pmo_hub_jira.config import JiraConfig
from pmo_hub_jira.oauth import Atlassian, Grant, RotatingBearer, tenant
from pmo_hub_jira.ways import ApiToken, OAuth, Password, PersonalAccessToken, ScopedToken


@dataclass(frozen=True, slots=True)
class Entry:
    """The way in. `cloud_id` where it had to be known to get in; `grant` where tokens rotate."""

    http: Client
    cloud_id: str | None = None
    grant: Grant | None = None


class Bearer(Auth):
    """A personal access token. The client keeps cookies with it, so that all pages come from one node of a cluster."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        request.headers["Authorization"] = self._header
        yield request


class BasicWithCookies(BasicAuth):
    """Basic as it is, for a cluster: the client keeps the cookies that bind it to one node."""


@contextmanager
def signed_in(config: JiraConfig, context: Context, atlassian: Atlassian) -> Iterator[Entry]:
    """The way in is open. Raises ConfigError where the address is no site of Cloud and has to be."""
    way, verify = config.way, config.verify or True
    with ExitStack() as stack:
        match way:
            case PersonalAccessToken():
                auth: Auth = Bearer(way.token.get_secret_value())
                yield Entry(stack.enter_context(context.http(config.url, auth, verify)))
            case Password():
                auth = BasicWithCookies(way.user, way.password.get_secret_value())
                yield Entry(stack.enter_context(context.http(config.url, auth, verify)))
            case OAuth():
                cloud_id = _cloud_id(config, context)
                own = stack.enter_context(context.http(atlassian.gateway, None, verify))
                grant = Grant(context, own, atlassian, way)
                base = f"{atlassian.gateway}/ex/jira/{cloud_id}"
                yield Entry(stack.enter_context(context.http(base, RotatingBearer(grant), verify)), cloud_id, grant)
            case ScopedToken():
                # At the site's own address such a token is a stranger: 401, or issues that do not exist.
                cloud_id = _cloud_id(config, context)
                base = f"{atlassian.gateway}/ex/jira/{cloud_id}"
                auth = BasicAuth(way.email, way.token.get_secret_value())
                yield Entry(stack.enter_context(context.http(base, auth, verify)), cloud_id)
            case ApiToken():
                auth = BasicAuth(way.email, way.token.get_secret_value())
                yield Entry(stack.enter_context(context.http(config.url, auth, verify)))


def _cloud_id(config: JiraConfig, context: Context) -> str:
    """From the address where it is the gateway's, else from the site, which tells it to anybody."""
    if config.gateway_id:
        return config.gateway_id
    with context.http(config.url, None, config.verify or True) as site:
        return tenant(site)
