"""What a fault of an object store means, from the text of obstore's errors. Pure.

Their types tell little: a server that is down, a bucket that is not there and a wrong key are all "generic", and only
the text has the HTTP status and the server's own code. That text may hold an address with a signature in it
(Azure's SAS tokens), so none of it is shown but the status and the code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harvester.errors import Exit, StoreFault

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_LATER = frozenset({408, 409, 425, 429})
"""Refusals that pass: too slow, two writers at once, too many requests."""
_NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound|^FileNotFoundError ")
_REFUSED = re.compile(r"^(?:UnauthenticatedError|PermissionDeniedError) ")
_METADATA = re.compile(r"169\.254\.169\.254|metadata\.google|/latest/(?:api/token|meta-data)")
"""Where obstore asks for the machine's own credentials when it has found none, whatever answers there."""
USUAL = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, GOOGLE_SERVICE_ACCOUNT",
    "az": "AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN",
}
"""The variables of the environment in which each kind of store has its credentials and its address."""


@dataclass(frozen=True, slots=True)
class _Said:
    """An error of obstore: `text` begins with the name of its kind."""

    text: str
    status: int
    code: str

    @property
    def short(self) -> str:
        """What may be shown of it."""
        return " ".join(filter(None, [str(self.status or ""), self.code])) or self.text.partition(" ")[0]


def read_fault(kind: str, text: str, *, url: str) -> StoreFault:
    """The fault that an error of obstore is. `kind` is the name of its type, `text` all it says."""
    status, code = _STATUS.search(text), _CODE.search(text)
    said = _Said(f"{kind} {text}", int(status[1]) if status else 0, code[1] if code else "")
    usual = USUAL.get(url.partition(":")[0], "its variables")
    return _read_access(said, url, usual) or _read_request(said, url, usual) or _read_silence(said, url)


def _read_access(said: _Said, url: str, usual: str) -> StoreFault | None:
    """No bucket, or no key to it."""
    if _NO_BUCKET.search(said.text):
        return StoreFault(f"{url}: there is no such bucket. Make it, or name another.", exit_code=Exit.USAGE)
    if _METADATA.search(said.text) or (not said.status and "redential" in said.text):
        return StoreFault(
            f"{url}: there are no credentials for it. Set {usual} in the environment.", exit_code=Exit.KEY_REFUSED
        )
    if said.status in (401, 403) or _REFUSED.match(said.text):
        return StoreFault(
            f"{url} refuses the credentials ({said.short}): see {usual} in the environment, and what they may do.",
            exit_code=Exit.KEY_REFUSED,
        )
    return None


def _read_request(said: _Said, url: str, usual: str) -> StoreFault | None:
    """What the same request will meet again."""
    if "BadScheme" in said.text:
        sentence = f"{url}: its address is not https; AWS_ALLOW_HTTP=true allows that."
    elif 300 <= said.status < 400:
        sentence = f"{url} is elsewhere ({said.short}): set its region, by {usual} in the environment."
    elif said.status == 501 or said.text.startswith("NotSupportedError "):
        sentence = f"{url}: the store cannot do what is needed ({said.short})."
    elif said.status == 412:
        sentence = f"{url}: an object was replaced while it was read. Run the same command again."
    elif 400 <= said.status < 500 and said.status not in _LATER:
        sentence = f"{url} refuses the request ({said.short})."
    else:
        return None
    return StoreFault(sentence, exit_code=Exit.INCOMPLETE if said.status == 412 else Exit.USAGE)


def _read_silence(said: _Said, url: str) -> StoreFault:
    """What passes."""
    why = f"answers {said.short}" if said.status else "does not answer"
    return StoreFault(f"{url} {why}: run the same command again when it works.", is_transient=True)
