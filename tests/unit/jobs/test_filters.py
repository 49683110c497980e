"""A filter of a search is declared once; whatever takes filters takes those of the table."""

from __future__ import annotations

from dataclasses import fields
from urllib.parse import urlencode

import click
import pytest

from harvester.cli.search import search
from harvester.config.toml_file import JOB_TABLES, JobTable
from harvester.errors import UsageError
from harvester.jobs.arguments import KNOWN, OPTIONS
from harvester.jobs.filters import FILTERS
from harvester.jobs.search import Search
from harvester.jobs.urls import read_url

VALUES = {
    "tags": "monkey,chimp",
    "tag_mode": "all",
    "text": "rivers",
    "user": "12037949754@N01",
    "group": "34427469792@N01",
    "min_upload_date": "2009-12-01",
    "max_upload_date": "2010-12-01",
    "min_taken_date": "2009-12-01",
    "max_taken_date": "2010-12-01",
    "license": "4",
    "media": "videos",
    "content_types": "photos",
    "bbox": "-1,50,1,52",
    "has_geo": "1",
    "machine_tags": "dc:title=rivers",
    "safe_search": "3",
    "sort": "relevance",
}


def test_a_search_has_the_fields_of_the_table_in_its_order() -> None:
    assert [field.name for field in fields(Search)] == [*FILTERS, "params"]


def test_the_command_has_an_option_for_each() -> None:
    found = {p.name for p in search.params if isinstance(p, click.Option) and getattr(p, "section", "") == "Filters"}
    assert found == {*FILTERS, "params"}


def test_a_config_file_has_a_field_for_each() -> None:
    table = JOB_TABLES["search"]
    assert set(table.__struct_fields__) - set(JobTable.__struct_fields__) == {*FILTERS, "params"}


def test_each_is_an_argument_of_the_method_and_none_of_params() -> None:
    arguments = {each.argument for each in FILTERS.values()}
    assert arguments <= KNOWN
    assert arguments | FILTERS.keys() == OPTIONS.keys()
    for name in OPTIONS:
        with pytest.raises(UsageError, match="has an option of its own"):
            Search(tags="a", params={name: "1"})


@pytest.mark.parametrize("name", FILTERS)
def test_a_search_address_may_name_each(name: str) -> None:
    base = {} if name == "tags" else {"tags": "a"}
    for place in {FILTERS[name].argument, *FILTERS[name].web} - {"content_types"}:  # which counts otherwise
        source = read_url(f"https://www.flickr.com/search/?{urlencode({**base, place: VALUES[name]})}")
        assert isinstance(source, Search)
        assert getattr(source, name) not in (None, (), "", "any")


@pytest.mark.parametrize("name", FILTERS)
def test_each_changes_what_is_asked(name: str) -> None:
    base = {} if name == "tags" else {"tags": "a"}
    value = name == "has_geo" or VALUES[name]
    assert Search(**{**base, name: value}).describe() != Search(tags="a").describe()  # type: ignore[arg-type]
