"""What is left of a key's quota."""

from __future__ import annotations

from typing import Any

from harvester.config.settings import Settings
from harvester.errors import Unreachable, UsageError
from harvester.quota.counting import begin_count
from harvester.quota.leased_ledger import Unanswered
from harvester.quota.throttle import open_throttle


async def read_quota(settings: Settings, *, begin: bool = False) -> dict[str, Any]:
    """The quota as it is at this moment, by names: calls `used` and `left`, seconds until the `next_call`.

    `begin` forgets what a server for several machines has counted. UsageError without a key or a quota, or where the
    server refuses; Unreachable where it does not answer.
    """
    account, quota, place = settings.name_account(), settings.quota, settings.quota_ledger
    settings.require_key()
    if quota is None:
        raise UsageError("there is no quota to look at.", field="quota")
    if begin and place is None:
        raise UsageError(
            "only a ledger for several machines can be begun anew: name it by --quota-ledger.", field="begin"
        )
    try:
        if begin and place:
            await begin_count(account, quota=quota, ledger_at=place)
        async with open_throttle(account, quota=quota, pace=None, ledger_at=place) as throttle:
            used, left, free_at = throttle.used(), throttle.left(), throttle.free_at()
    except Unanswered as error:
        raise Unreachable(str(error)) from None
    if used is None and place:
        raise Unreachable(f"The quota ledger at {place.name} cannot be reached.")
    return {
        "quota": str(quota),
        "used": used,
        "left": left,
        "next_call": round(free_at or 0, 1),
        "counted_at": place.name if place else "this machine",
    }
