"""Places that hold whole objects by their keys: a shared folder, or an object store.

`open_store(url)` gives a `Store` for each of them. Everything that writes there relies on one thing: of several writers
`put_new` lets exactly one be the first.
"""

from harvester.objects.opening import open_store
from harvester.objects.store import Entry, Store

__all__ = ["Entry", "Store", "open_store"]
