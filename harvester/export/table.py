"""The row of a photo: the one definition of all columns. Pure.

Each column has its type, its meaning, the member of a line that it is, and its names in other vocabularies. The Arrow
schema, the JSON Schema, the header of CSV, the page of the documentation and the reading of the members all follow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

VERSION = 1
"""Of the row. A column that goes, or gets another type or meaning, makes a new one; a column that is added does not."""


def _tell(meaning: str, *, info: str = "", listed: str = "", made: str = "", terms: Sequence[str] = ()) -> msgspec.Meta:
    """The facts of a column: the member that it is, by getInfo and by a listing's row, or what it is `made` of."""
    return msgspec.Meta(description=meaning, extra={"info": info, "listed": listed, "made": made, "terms": terms})


Int16 = Annotated[int, msgspec.Meta(ge=-(2**15), le=2**15 - 1)]
Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Local = Annotated[datetime, msgspec.Meta(tz=False)]


class Size(msgspec.Struct, gc=False):
    """One size of a photo, or one stream of a video."""

    label: str | None = None
    width: Int32 | None = None
    height: Int32 | None = None
    source: str | None = None
    """The address of the picture."""
    url: str | None = None
    """The page that shows it; null where only a listing tells of the size."""
    media: str | None = None


class Row(msgspec.Struct, gc=False):
    """A photo."""

    id: Annotated[str, _tell("The photo's id.", made="id", terms=("dcterms:identifier", "ac:providerManagedID"))]
    owner_id: Annotated[
        str | None, _tell("The owner's NSID.", info="owner.nsid", listed="owner", terms=("ac:providerLiteral",))
    ] = None
    owner_username: Annotated[
        str | None,
        _tell(
            "The owner's name on Flickr.",
            info="owner.username",
            listed="ownername",
            terms=("dc:creator", "Iptc4xmpExt:CreatorName"),
        ),
    ] = None
    owner_realname: Annotated[
        str | None,
        _tell("The owner's own name; null where none is given.", info="owner.realname", listed="realname"),
    ] = None
    owner_path_alias: Annotated[
        str | None,
        _tell("The owner's name in addresses; null where it is the NSID.", info="owner.path_alias", listed="pathalias"),
    ] = None
    title: Annotated[
        str | None,
        _tell("The title, as sent.", info="title._content", listed="title", terms=("dcterms:title", "dc:title")),
    ] = None
    description: Annotated[
        str | None,
        _tell(
            "The description, as sent, with its HTML.",
            info="description._content",
            listed="description._content",
            terms=("dcterms:description", "dc:description"),
        ),
    ] = None
    tags: Annotated[
        list[str] | None,
        _tell(
            "The tags as Flickr compares them, in the owner's order.",
            info="tags.tag[]._content",
            listed="tags",
            terms=("dcterms:subject", "ac:tag"),
        ),
    ] = None
    tags_raw: Annotated[
        list[str] | None,
        _tell("The same tags as they were written; null where only a listing tells of them.", info="tags.tag[].raw"),
    ] = None
    machine_tags: Annotated[
        list[str] | None,
        _tell(
            "Those of the tags that are machine tags (`geo:lat=52.1`), as written.",
            info="tags.tag[].raw",
            listed="machine_tags",
        ),
    ] = None
    license_id: Annotated[Int16 | None, _tell("Flickr's number of the licence.", info="license", listed="license")] = (
        None
    )
    license_name: Annotated[
        str | None,
        _tell("Flickr's name of the licence.", made="license_id", terms=("xmpRights:UsageTerms", "dcterms:rights")),
    ] = None
    license_url: Annotated[
        str | None,
        _tell("Where its terms are.", made="license_id", terms=("dcterms:license", "xmpRights:WebStatement")),
    ] = None
    attribution: Annotated[
        str | None,
        _tell(
            "Title, author, source and licence in a sentence: what Creative Commons asks for.",
            made="title, owner_realname or owner_username, page_url, license_id",
            terms=("dcterms:bibliographicCitation", "photoshop:Credit"),
        ),
    ] = None
    date_posted: Annotated[
        Moment | None,
        _tell("When it was uploaded.", info="dates.posted", listed="dateupload", terms=("dcterms:available",)),
    ] = None
    date_updated: Annotated[
        Moment | None,
        _tell(
            "When it or its metadata changed last, by Flickr's word.",
            info="dates.lastupdate",
            listed="lastupdate",
            terms=("dcterms:modified", "xmp:MetadataDate"),
        ),
    ] = None
    harvested_at: Annotated[Moment | None, _tell("When this was fetched.", made="harvested_at")] = None
    date_taken: Annotated[
        Local | None,
        _tell(
            "When it was taken, by the owner's clock, to the granularity; null where that is no date, as 1950-00-01.",
            made="date_taken_text",
            terms=("dcterms:created", "xmp:CreateDate", "photoshop:DateCreated"),
        ),
    ] = None
    date_taken_text: Annotated[
        str | None, _tell("The same, as Flickr writes it.", info="dates.taken", listed="datetaken")
    ] = None
    date_taken_granularity: Annotated[
        Int16 | None,
        _tell(
            "0 to the second, 4 to the month, 6 to the year, 8 circa.",
            info="dates.takengranularity",
            listed="datetakengranularity",
        ),
    ] = None
    date_taken_unknown: Annotated[
        bool | None,
        _tell(
            "True where the owner gave no date: then date_taken is about when it was uploaded.",
            info="dates.takenunknown",
            listed="datetakenunknown",
        ),
    ] = None
    latitude: Annotated[
        float | None,
        _tell(
            "Degrees north; null where Flickr has no place, which it may write as 0.",
            info="location.latitude",
            listed="latitude",
            terms=("dwc:decimalLatitude", "exif:GPSLatitude"),
        ),
    ] = None
    longitude: Annotated[
        float | None,
        _tell(
            "Degrees east.",
            info="location.longitude",
            listed="longitude",
            terms=("dwc:decimalLongitude", "exif:GPSLongitude"),
        ),
    ] = None
    geo_accuracy: Annotated[
        Int16 | None,
        _tell(
            "1 the world, 3 a country, 6 a region, 11 a city, 16 a street.", info="location.accuracy", listed="accuracy"
        ),
    ] = None
    locality: Annotated[
        str | None,
        _tell("Town.", info="location.locality._content", terms=("dwc:locality", "photoshop:City")),
    ] = None
    county: Annotated[str | None, _tell("County.", info="location.county._content", terms=("dwc:county",))] = None
    region: Annotated[
        str | None,
        _tell("State or province.", info="location.region._content", terms=("dwc:stateProvince", "photoshop:State")),
    ] = None
    country: Annotated[
        str | None, _tell("Country.", info="location.country._content", terms=("dwc:country", "photoshop:Country"))
    ] = None
    count_views: Annotated[Int64 | None, _tell("How often it was looked at.", info="views", listed="views")] = None
    count_faves: Annotated[
        Int32 | None,
        _tell("How many have favoured it; only listings tell.", info="search.count_faves", listed="count_faves"),
    ] = None
    count_comments: Annotated[
        Int32 | None, _tell("How many comments it has.", info="comments._content", listed="count_comments")
    ] = None
    media: Annotated[
        str | None, _tell("`photo` or `video`.", info="media", listed="media", terms=("dcterms:type",))
    ] = None
    original_format: Annotated[
        str | None,
        _tell(
            "The format of the original, where you may download it: `jpg`.",
            info="originalformat",
            listed="originalformat",
            terms=("dcterms:format",),
        ),
    ] = None
    page_url: Annotated[
        str | None,
        _tell(
            "The photo's page.",
            info="urls.url[]._content",
            made="owner_path_alias or owner_id, and id, where no member tells",
            terms=("ac:furtherInformationURL", "dcterms:source"),
        ),
    ] = None
    url: Annotated[
        str | None,
        _tell(
            "The address of the largest picture that may be had; of a video, of its still.",
            made="sizes",
            terms=("ac:accessURI",),
        ),
    ] = None
    width: Annotated[Int32 | None, _tell("Its width.", made="sizes", terms=("exif:PixelXDimension",))] = None
    height: Annotated[Int32 | None, _tell("Its height.", made="sizes", terms=("exif:PixelYDimension",))] = None
    sizes: Annotated[
        list[Size] | None,
        _tell(
            "All sizes of the picture and streams of a video; of a listing's row, those whose addresses it has.",
            made="sizes.size[], else search.url_*, width_*, height_*",
            terms=("ac:hasServiceAccessPoint",),
        ),
    ] = None
    rotation: Annotated[
        Int16 | None, _tell("Degrees by which the owner has turned it.", info="rotation", listed="rotation")
    ] = None
    is_public: Annotated[bool | None, _tell("Everybody may see it.", info="visibility.ispublic", listed="ispublic")] = (
        None
    )
    is_friend: Annotated[bool | None, _tell("Friends may.", info="visibility.isfriend", listed="isfriend")] = None
    is_family: Annotated[bool | None, _tell("Family may.", info="visibility.isfamily", listed="isfamily")] = None
    safety_level: Annotated[
        Int16 | None, _tell("0 safe, 1 moderate, 2 restricted.", info="safety_level", listed="safety_level")
    ] = None
    albums: Annotated[
        list[str] | None,
        _tell(
            "Ids of the sets that it is in, as far as the archive tells; null where it tells of none at all.",
            made="photo_ids of photosets.ndjson, contexts.set[].id",
            terms=("dcterms:isPartOf",),
        ),
    ] = None
    collections: Annotated[
        list[str] | None,
        _tell("Ids of the collections that hold one of these sets, the outer ones too.", made="collections.ndjson"),
    ] = None
    missing: Annotated[
        str | None,
        _tell("What could not be had of it, and why; null where nothing is missing.", made="errors, errors.ndjson"),
    ] = None
