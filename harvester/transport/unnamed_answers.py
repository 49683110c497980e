"""Which methods are asked alone at once, since their answers often do not say whose they are. Pure."""

from __future__ import annotations

from collections import Counter

ONE_IN = 20
"""A method is asked alone while more than one in so many of its answers are unnamed."""


class UnnamedAnswers:
    """Counts, for each method, the answers that did not name what was asked.

    Such an answer costs a second call where the first was not asked alone. Asking alone costs no call, but a
    connection. Of calls that follow one another at most one in `ONE_IN` is made twice, and one more; calls that are in
    flight when the first such answer comes are made twice besides.
    """

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        """Calls of the methods that had an unnamed answer, since the first one."""
        self._unnamed: Counter[str] = Counter()

    def note(self, query: str) -> None:
        """The answer to this query (`method=NAME&...`) did not name what was asked."""
        self._unnamed[_find_method(query)] += 1

    def prefer_alone(self, query: str) -> bool:
        """Whether to ask this query alone. To be asked once for each call."""
        method = _find_method(query)
        if method not in self._unnamed:
            return False
        self._asked[method] += 1
        return self._unnamed[method] * ONE_IN >= self._asked[method]


def _find_method(query: str) -> str:
    return query.partition("&")[0]
