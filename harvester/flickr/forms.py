"""Long calls go out as a POST with their arguments as a form, which Flickr takes for reads, too. Pure.

What stands before Flickr refuses addresses of more than 8,192 bytes with status 414.
"""

from __future__ import annotations

FORM = "application/x-www-form-urlencoded"
MOST_IN_ADDRESS = 4000
"""The longest query, in bytes, that is put into an address; proxies hold less than Flickr does."""


def split_long(prefix: str, query: str, *, post: bool = False) -> tuple[str, str]:
    """The address and the form of a call: the form is empty where the call is a GET.

    `prefix` is what the address of each call begins with, up to its query or into it. `post` makes a form of any call,
    as Flickr wants those that write.
    """
    if len(query) <= MOST_IN_ADDRESS and not post:
        return prefix + query, ""
    address, _, start = prefix.partition("?")
    return address, start + query
