"""Resolves user names, group names, aliases and addresses to the ids that the API takes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias
from urllib.parse import quote

from harvester.archive.checkpoint.state import State
from harvester.errors import GivenUp, KeyRefused, Refused, TryLater, Unreachable, UsageError, show
from harvester.flickr.codes import NSID
from harvester.flickr.failures import check_failure
from harvester.flickr.lenient_json import read_members
from harvester.flickr.methods import RESTRICTED, build_query
from harvester.flickr.oauth import Person
from harvester.jobs.model import Account, Favorites, Group, Search, Source
from harvester.jobs.urls import is_address
from harvester.transport.client import Client

_ALIAS = re.compile(r"[\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class ResolvedName:
    """The id that a given name stands for. `name` is Flickr's own name of it, "" where Flickr was not asked."""

    kind: Literal["user", "group"]
    given: str
    id: str
    name: str = ""

    def __str__(self) -> str:
        return f"{show(self.name)} ({self.id})" if self.name else self.id

    @property
    def sentence(self) -> str:
        """What a person should know of it; nothing where the id itself was given."""
        return "" if self.given.upper() == self.id else f"The {self.kind} {show(self.given)} is {self}."


Tell: TypeAlias = Callable[[ResolvedName], None]


def write_names(state: State, names: Iterable[ResolvedName]) -> None:
    """Write the resolved names into the checkpoint, so that every later run can tell them."""
    state.note(replace(state.facts, names=[(each.kind, each.given, each.id, each.name) for each in names]))


def read_names(state: State) -> list[ResolvedName]:
    """Whom the names stood for when they were looked up."""
    return [ResolvedName(*known) for known in state.facts.names or []]


async def look_up(arguments: Mapping[str, str], client: Client, tell: Tell) -> dict[str, str]:
    """The arguments of a search with `user_id` and `group_id` as ids; UsageError where nobody is called so."""
    known = dict(arguments)
    if "user_id" in known:
        known["user_id"] = await _find(find_user, known["user_id"], client, tell)
        if client.signs:
            known.setdefault("safe_search", RESTRICTED)
    if "group_id" in known:
        known["group_id"] = await _find(find_group, known["group_id"], client, tell)
    return known


async def look_up_source(source: Source, client: Client, tell: Tell) -> dict[str, str]:
    """The search's arguments, or the ids, that a source names; UsageError where nobody is called so.

    `tell` gets whom or what each name stands for.
    """
    match source:
        case Search():
            return await look_up(source.arguments, client, tell)
        case Group():
            return {"group_id": await _find(find_group, source.group, client, tell)}
        case Favorites() | Account():
            return {"user_id": await _find(find_user, source.user, client, tell)}
        case _:
            return {}


async def _find(find: Callable[[str, Client], Awaitable[ResolvedName]], name: str, client: Client, tell: Tell) -> str:
    found = await find(name, client)
    tell(found)
    return found.id


async def find_user(name: str, client: Client) -> ResolvedName:
    """Who an NSID, a user name, a path alias, a flickr.com address or `me` is.

    UsageError where it is nobody, or one person's user name and another's path alias (reagent/fleakr#11).
    """
    name = name.strip()
    if NSID.fullmatch(name.upper()):
        return ResolvedName("user", name, name.upper())
    if name == "me":
        if not client.signs:
            sentence = "`me` needs a login: run `harvester auth login`, or give the user's name or NSID."
            raise UsageError(sentence, field="user")
        login = await ask_login(client)
        return ResolvedName("user", name, login.nsid, login.username)
    found = await (_ask_page(name, name, client) if is_address(name) else _ask_name(name, client))
    people = list({each.id: each for each in found if each is not None}.values())
    if not people:
        raise UsageError(f"Flickr knows no user {show(name)}; give a user name, an NSID or a flickr.com address.")
    if len(people) > 1:
        raise UsageError(
            f"{show(name)} is the user name of {people[0]} and stands in the address of {people[1]}: give the NSID of "
            "the one that you mean."
        )
    return people[0]


async def _ask_page(name: str, page: str, client: Client) -> list[ResolvedName | None]:
    return [await _ask("user", name, "flickr.urls.lookupUser", {"url": page}, client)]


async def _ask_name(name: str, client: Client) -> list[ResolvedName | None]:
    """Who has the user name, and who the path alias. A user name has spaces and any script, a path alias none."""
    found = [await _ask("user", name, "flickr.people.findByUsername", {"username": name}, client)]
    if found == [None] or _ALIAS.fullmatch(name):
        found += await _ask_page(name, f"https://www.flickr.com/photos/{quote(name, safe='')}/", client)
    return found


async def find_group(name: str, client: Client) -> ResolvedName:
    """What group an id, the name in its address, or its address is."""
    name = name.strip()
    if NSID.fullmatch(name.upper()):
        return ResolvedName("group", name, name.upper())
    page = name if is_address(name) else f"https://www.flickr.com/groups/{quote(name, safe='')}/"
    found = await _ask("group", name, "flickr.urls.lookupGroup", {"url": page}, client)
    if found is None:
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


async def _ask(
    kind: Literal["user", "group"], name: str, method: str, arguments: dict[str, str], client: Client
) -> ResolvedName | None:
    """The user or group of an answer; None where Flickr knows none."""

    def read(body: bytes) -> ResolvedName | None:
        answer, _ = read_members(body)
        check_failure(answer, method=method)
        found = answer.get(kind) or {}
        found_id = str(found.get("nsid") or found.get("id") or "")
        called = found.get(f"{kind}name")
        title = called.get("_content") if isinstance(called, dict) else called
        return ResolvedName(kind, name, found_id, str(title or "")) if found_id else None

    try:
        return await client.call(build_query(method, arguments), read)
    except Refused:
        return None
    except GivenUp as error:
        raise Unreachable(f"Flickr does not say who {show(name)} is: {error}. Run the same command again.") from None
