"""One HTML page that holds all it needs: its script, its style and its data. Pure, but for reading the bundle.

The policy of a page allows its own script and style by their hashes, and nothing else unless that is named. Whatever
stands in the data is data: it cannot end its element, and the scripts set texts only as text.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import NamedTuple

CLOSED: Mapping[str, str] = {"base-uri": "'none'", "form-action": "'none'"}
"""What `default-src 'none'` leaves open. `frame-ancestors` is left out: in a page itself it counts for nothing."""
_IN_SCRIPTS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<noscript>This page is drawn by the script that it holds: allow scripts for it to see it.</noscript>
<script type="application/json" id="data">{data}</script>
<!-- The script holds works of others under the ISC and MIT licences:
{licenses}
-->
<script>{script}</script>
</body>
</html>
"""


class Bundle(NamedTuple):
    """What `make vendor` has made of a page's sources."""

    script: str
    style: str
    licenses: str


def read_bundle(name: str) -> Bundle:
    """The bundle of a page, as `report`."""
    home = files("harvester.web") / "bundles"
    return Bundle(*(home.joinpath(f"{name}.{kind}").read_text("utf-8") for kind in ("js", "css", "licenses.txt")))


def build_page(bundle: Bundle, *, title: str, data: bytes, allow: Mapping[str, str] | None = None) -> str:
    """The page. `data` is JSON, which the script finds in the element `data`.

    `allow` are further directives of the policy: `{"connect-src": "'self'"}`.
    """
    return _PAGE.format(
        policy=escape(build_policy(bundle, allow or {})),
        title=escape(title),
        style=bundle.style,
        data=escape_json(data.decode()),
        licenses=bundle.licenses.replace("--", "=="),
        script=bundle.script,
    )


def build_policy(bundle: Bundle, allow: Mapping[str, str]) -> str:
    """The Content-Security-Policy of a page, for its head or for the header that goes before it."""
    directives = {
        "default-src": "'none'",
        "script-src": hash_source(bundle.script),
        "style-src": hash_source(bundle.style),
        **CLOSED,
        **allow,
    }
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


def hash_source(text: str) -> str:
    """The source expression of a policy that allows this very text of a script or style."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def escape_json(text: str) -> str:
    """JSON that is the same JSON within an element of HTML: nothing in it opens or ends one."""
    return text.translate(_IN_SCRIPTS)
