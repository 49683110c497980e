"""Who is meant: names, aliases and addresses to the ids that the API takes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harvester.answers import check_failure, read_members
from harvester.client import Client
from harvester.errors import GivenUp, KeyRefused, Refused, TryLater, Unreachable, UsageError, show
from harvester.flickr import RESTRICTED, build_query
from harvester.model import Account, Favorites, Group, Search, Source
from harvester.oauth import Person

_NSID = re.compile(r"\d+@N\d\d", re.ASCII)


async def look_up(arguments: Mapping[str, str], client: Client) -> dict[str, str]:
    """The arguments of a search with `user_id` and `group_id` as ids; UsageError where nobody is called so."""
    known = dict(arguments)
    if "user_id" in known:
        known["user_id"] = await find_user(known["user_id"], client)
        if client.signs:
            known.setdefault("safe_search", RESTRICTED)
    if "group_id" in known:
        known["group_id"] = await find_group(known["group_id"], client)
    return known


async def look_up_source(source: Source, client: Client) -> dict[str, str]:
    """The search's arguments, or the ids, that a source names; UsageError where nobody is called so."""
    match source:
        case Search():
            return await look_up(source.arguments, client)
        case Group():
            return {"group_id": await find_group(source.group, client)}
        case Favorites() | Account():
            return {"user_id": await find_user(source.user, client)}
        case _:
            return {}


async def find_user(name: str, client: Client) -> str:
    """The NSID of an NSID, a user name, a path alias or a flickr.com address."""
    name = name.strip()
    if _NSID.fullmatch(name.upper()):
        return name.upper()
    if name == "me":
        if not client.signs:
            sentence = "`me` needs a login: run `harvester auth login`, or give the user's name or NSID."
            raise UsageError(sentence, field="user")
        return (await ask_login(client)).nsid
    if "/" in name:
        found = await _ask("flickr.urls.lookupUser", {"url": name}, "user", client)
    else:
        # A user name has spaces and any script, a path alias none: both may be meant, the name comes first.
        found = await _ask("flickr.people.findByUsername", {"username": name}, "user", client)
        page = f"https://www.flickr.com/photos/{name}/"
        found = found or await _ask("flickr.urls.lookupUser", {"url": page}, "user", client)
    if not found:
        raise UsageError(f"Flickr knows no user {show(name)}; give a user name, an NSID or a flickr.com address.")
    return found


async def find_group(name: str, client: Client) -> str:
    """The id of a group given by id or address."""
    name = name.strip()
    if _NSID.fullmatch(name.upper()):
        return name.upper()
    page = name if "/" in name else f"https://www.flickr.com/groups/{name}/"
    found = await _ask("flickr.urls.lookupGroup", {"url": page}, "group", client)
    if not found:
        raise UsageError(f"Flickr knows no group {show(name)}; give its id or its flickr.com address.")
    return found


async def ask_login(client: Client) -> Person:
    """Whose login signs the client's calls; asked once. KeyRefused where Flickr does not take it."""
    if client.person is None:
        try:
            client.person = await client.call("method=flickr.test.login", _read_login)
        except GivenUp as error:
            raise Unreachable(f"Flickr does not say whose the login is: {error}. Run the same command again.") from None
    return client.person


def _read_login(body: bytes) -> Person:
    answer, _ = read_members(body)
    try:
        check_failure(answer, method="flickr.test.login")
    except Refused as error:
        raise KeyRefused(f"Flickr does not take the login: {error.message} (code {error.code}).") from None
    user = answer.get("user")
    if not isinstance(user, dict) or not user.get("id"):
        raise TryLater("an answer to something else than was asked")
    name = user.get("username")
    return Person(str(user["id"]), str(name.get("_content", "") if isinstance(name, dict) else name or ""))


async def _ask(method: str, arguments: dict[str, str], member: str, client: Client) -> str:
    def read(body: bytes) -> str:
        answer, _ = read_members(body)
        check_failure(answer, method=method)
        found = answer.get(member) or {}
        return str(found.get("nsid") or found.get("id") or "")

    try:
        return await client.call(build_query(method, arguments), read)
    except Refused:
        return ""
