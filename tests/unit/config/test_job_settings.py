"""A job of a config file may have keys, a quota and a pace of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from harvester.config.settings import Settings, load_config
from harvester.errors import UsageError
from harvester.quota.rate import Rate

OWN, PARTNER = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
ENVIRON = {"FLICKR_API_KEY": OWN, "FLICKR_API_SECRET": "5ecret", "PARTNER_API_KEY": PARTNER}
FILE = '[limits]\nquota = "1800/h"\n[jobs.x]\nsource = "search"\ntext = "x"\n'


def read(tmp_path: Path, text: str, *, environ: dict[str, str] = ENVIRON, **options: object) -> Settings:
    path = tmp_path / "harvester.toml"
    path.write_text(FILE + text, encoding="utf-8")
    config = load_config(options, environ=environ, cwd=tmp_path)
    return config.jobs["x"].adapt(config.settings, options=options, environ=environ)


def test_without_any_the_job_has_those_of_all(tmp_path: Path) -> None:
    settings = read(tmp_path, "")
    assert (settings.api_key, settings.api_secret, settings.quota) == (OWN, "5ecret", Rate(1800, 3600))


def test_of_another_key_nothing_is_mixed_with_the_first(tmp_path: Path) -> None:
    settings = read(tmp_path, 'env_prefix = "PARTNER"\nquota = "1000/s"\npace = "none"\n')
    assert (settings.api_key, settings.api_secret) == (PARTNER, None)
    assert (settings.quota, settings.pace) == (Rate(1000, 1), None)
    login = {**ENVIRON, "FLICKR_OAUTH_TOKEN": "token", "FLICKR_OAUTH_TOKEN_SECRET": "token5ecret"}
    assert not read(tmp_path, 'env_prefix = "PARTNER"\n', environ=login).has_login


def test_options_go_before_what_a_job_says(tmp_path: Path) -> None:
    settings = read(tmp_path, 'quota = "1000/s"\npace = "7/s"\n', quota="3/s")
    assert (settings.quota, settings.pace) == (Rate(3, 1), Rate(7, 1))


def test_a_key_that_is_not_there_is_told_by_its_variable(tmp_path: Path) -> None:
    settings = read(tmp_path, 'env_prefix = "OTHER"\n')
    with pytest.raises(UsageError, match=r"environment variable OTHER_API_KEY\.$"):
        settings.require_key()
    halved = read(tmp_path, 'env_prefix = "PARTNER"\n', environ={**ENVIRON, "PARTNER_OAUTH_TOKEN": "token"})
    with pytest.raises(UsageError, match="PARTNER_OAUTH_TOKEN and PARTNER_OAUTH_TOKEN_SECRET"):
        halved.require_key()


@pytest.mark.parametrize("text", [OWN, PARTNER, "a b", ""])
def test_a_key_in_the_place_of_its_variables_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"jobs\.x\.env_prefix: .*the key is in PARTNER_API_KEY") as caught:
        read(tmp_path, f'env_prefix = "{text}"\n')
    assert text.split(" ", maxsplit=1)[0] in ("", "a") or text not in str(caught.value)


def test_a_wrong_limit_is_told_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"jobs\.x\.pace: 'fast' "):
        read(tmp_path, 'pace = "fast"\n')
