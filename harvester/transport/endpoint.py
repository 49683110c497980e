"""The address of the API: with the key in it, or with a signature by a login."""

from __future__ import annotations

from harvester.config.settings import Settings
from harvester.flickr.methods import build_prefix
from harvester.flickr.oauth import Sign, build_signer
from harvester.transport.server_clock import ServerClock


def find_endpoint(settings: Settings, key: str, clock: ServerClock) -> tuple[str, Sign | None]:
    """What addresses begin with, and what signs: nothing where there is no login, which brings the key itself."""
    if not settings.has_login:
        return build_prefix(settings.api_url, key), None
    sign = build_signer(
        key,
        settings.api_secret or "",
        token=settings.oauth_token,
        token_secret=settings.oauth_token_secret,
        now=clock.now,
    )
    return build_prefix(settings.api_url, None), sign
