"""The methods of Flickr's API: what a login must be allowed for each, which write, how large their pages are. Pure.

The names are those of flickr.reflection.getMethods in May 2026, permissions and page sizes those of
flickr.reflection.getMethodInfo. Left out are `flickr.auth.*`: they hand out logins, which `harvester auth` does.
Pictures are sent to up.flickr.com, which is no method.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from harvester.errors import UsageError, show

Perms = Literal["none", "read", "write", "delete"]
REFERENCE = "https://www.flickr.com/services/api/"

_NAMES: Mapping[Perms, str] = {
    "none": """
        blogs.getServices cameras.getBrandModels cameras.getBrands collections.getTree commons.getInstitutions
        contacts.getPublicList favorites.getContext favorites.getList favorites.getPublicList galleries.getInfo
        galleries.getList galleries.getListForPhoto galleries.getPhotos groups.discuss.replies.getInfo
        groups.discuss.replies.getList groups.discuss.topics.getInfo groups.discuss.topics.getList groups.getInfo
        groups.pools.getContext groups.pools.getPhotos groups.search interestingness.getList machinetags.getNamespaces
        machinetags.getPairs machinetags.getPredicates machinetags.getRecentValues machinetags.getValues panda.getList
        panda.getPhotos people.findByEmail people.findByUsername people.getInfo people.getPhotos people.getPhotosOf
        people.getPublicGroups people.getPublicPhotos photos.comments.getList photos.geo.getLocation
        photos.getAllContexts photos.getContactsPublicPhotos photos.getContext photos.getExif photos.getFavorites
        photos.getInfo photos.getPopular photos.getRecent photos.getSizes photos.licenses.getAvailable
        photos.licenses.getInfo photos.licenses.getLicenseHistory photos.people.getList photos.search
        photos.upload.checkTickets photosets.comments.getList photosets.getContext photosets.getInfo photosets.getList
        photosets.getPhotos places.find places.findByLatLon places.getChildrenWithPhotosPublic places.getInfo
        places.getInfoByUrl places.getPlaceTypes places.getShapeHistory places.getTopPlacesList
        places.placesForBoundingBox places.placesForTags places.resolvePlaceId places.resolvePlaceURL
        places.tagsForPlace profile.getProfile push.getTopics reflection.getMethodInfo reflection.getMethods
        tags.getClusterPhotos tags.getClusters tags.getHotList tags.getListPhoto tags.getListUser
        tags.getListUserPopular tags.getListUserRaw tags.getRelated test.echo testimonials.getTestimonialsAbout
        testimonials.getTestimonialsBy urls.getGroup urls.getUserPhotos urls.getUserProfile urls.lookupGallery
        urls.lookupGroup urls.lookupUser
    """,
    "read": """
        activity.userComments activity.userPhotos blogs.getList collections.getInfo contacts.getList
        contacts.getListRecentlyUploaded contacts.getTaggingSuggestions groups.members.getList groups.pools.getGroups
        people.getGroups people.getLimits people.getUploadStatus photos.comments.getRecentForContacts
        photos.geo.getPerms photos.geo.photosForLocation photos.getContactsPhotos photos.getCounts photos.getNotInSet
        photos.getPerms photos.getUntagged photos.getWithGeoData photos.getWithoutGeoData photos.recentlyUpdated
        photos.suggestions.getList places.placesForContacts places.placesForUser prefs.getContentType prefs.getGeoPerms
        prefs.getHidden prefs.getPrivacy prefs.getSafetyLevel push.getSubscriptions push.subscribe push.unsubscribe
        stats.getCSVFiles stats.getCollectionDomains stats.getCollectionReferrers stats.getCollectionStats
        stats.getMostPopularPhotoDateRange stats.getPhotoDomains stats.getPhotoReferrers stats.getPhotoStats
        stats.getPhotosetDomains stats.getPhotosetReferrers stats.getPhotosetStats stats.getPhotostreamDomains
        stats.getPhotostreamReferrers stats.getPhotostreamStats stats.getPopularPhotos stats.getTotalViews
        tags.getMostFrequentlyUsed test.login test.null testimonials.getAllTestimonialsAbout
        testimonials.getAllTestimonialsAboutBy testimonials.getAllTestimonialsBy
        testimonials.getPendingTestimonialsAbout testimonials.getPendingTestimonialsAboutBy
        testimonials.getPendingTestimonialsBy testimonials.getTestimonialsAboutBy
    """,
    "write": """
        blogs.postPhoto favorites.add favorites.remove galleries.addPhoto galleries.create galleries.editMeta
        galleries.editPhoto galleries.editPhotos galleries.removePhoto groups.discuss.replies.add
        groups.discuss.replies.edit groups.discuss.topics.add groups.join groups.joinRequest groups.pools.add
        groups.pools.remove photos.addTags photos.comments.addComment photos.comments.deleteComment
        photos.comments.editComment photos.geo.batchCorrectLocation photos.geo.correctLocation
        photos.geo.removeLocation photos.geo.setContext photos.geo.setLocation photos.geo.setPerms
        photos.licenses.setLicense photos.notes.add photos.notes.delete photos.notes.edit photos.people.add
        photos.people.delete photos.people.deleteCoords photos.people.editCoords photos.removeTag
        photos.setContentType photos.setDates photos.setMeta photos.setPerms photos.setSafetyLevel photos.setTags
        photos.suggestions.approveSuggestion photos.suggestions.rejectSuggestion photos.suggestions.removeSuggestion
        photos.suggestions.suggestLocation photos.transform.rotate photosets.addPhoto photosets.comments.addComment
        photosets.comments.deleteComment photosets.comments.editComment photosets.create photosets.delete
        photosets.editMeta photosets.editPhotos photosets.orderSets photosets.removePhoto photosets.removePhotos
        photosets.reorderPhotos photosets.setPrimaryPhoto testimonials.addTestimonial testimonials.approveTestimonial
        testimonials.deleteTestimonial testimonials.editTestimonial
    """,
    "delete": "groups.discuss.replies.delete groups.leave photos.delete",
}
_WRITE_BY_READERS = frozenset({"push.subscribe", "push.unsubscribe"})
"""They change what Flickr sends, though a login that may read is enough for them."""
_PAGES: Mapping[int, str] = {
    500: """
        favorites.getList favorites.getPublicList galleries.getList galleries.getListForPhoto galleries.getPhotos
        groups.discuss.replies.getList groups.discuss.topics.getList groups.members.getList groups.pools.getPhotos
        groups.search interestingness.getList machinetags.getNamespaces machinetags.getPairs machinetags.getPredicates
        machinetags.getValues panda.getPhotos people.getPhotos people.getPhotosOf people.getPublicPhotos
        photos.getNotInSet photos.getPopular photos.getRecent photos.getUntagged photos.getWithGeoData
        photos.getWithoutGeoData photos.geo.photosForLocation photos.recentlyUpdated photos.search photosets.getList
        photosets.getPhotos
    """,
    1000: "contacts.getList contacts.getPublicList",
    400: "groups.pools.getGroups",
    100: """
        photos.comments.getRecentForContacts stats.getCollectionDomains stats.getCollectionReferrers
        stats.getPhotoDomains stats.getPhotoReferrers stats.getPhotosetDomains stats.getPhotosetReferrers
        stats.getPhotostreamDomains stats.getPhotostreamReferrers stats.getPopularPhotos
    """,
    50: """
        activity.userComments activity.userPhotos photos.getFavorites testimonials.getAllTestimonialsAbout
        testimonials.getAllTestimonialsBy testimonials.getPendingTestimonialsAbout
        testimonials.getPendingTestimonialsBy testimonials.getTestimonialsAbout testimonials.getTestimonialsBy
    """,
}
"""The largest `per_page` of the methods that know one."""
_WELL_FORMED = re.compile(r"flickr(\.[A-Za-z]\w*)+", re.ASCII)
_READS = re.compile(r"get|find|search|lookup|list|check|resolve")


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the API."""

    name: str
    perms: Perms = "none"
    """What a login must be allowed; "none" needs no login."""
    writes: bool = False
    page: int = 0
    """Rows of a page at most; 0 where the method knows no `per_page`."""

    @property
    def login(self) -> str:
        """The command that makes a login that is allowed enough."""
        more = f" --perms {self.perms}" if self.perms in ("write", "delete") else ""
        return f"harvester auth login{more}"


def _build_table() -> dict[str, Method]:
    pages = {name: size for size, names in _PAGES.items() for name in names.split()}
    return {
        f"flickr.{name}": Method(
            f"flickr.{name}", perms, perms in ("write", "delete") or name in _WRITE_BY_READERS, pages.get(name, 0)
        )
        for perms, names in _NAMES.items()
        for name in names.split()
    }


METHODS: Mapping[str, Method] = MappingProxyType(_build_table())


def find_method(name: str, *, unlisted: bool = False, write: bool = False) -> Method:
    """The method of a name. UsageError, with the nearest name, where Flickr's list has none such.

    `unlisted` takes any other name that could be one. It counts as one that reads where it begins so, as in
    `flickr.photos.getThing`, unless it is said to `write`, and else as one that writes.
    """
    if not isinstance(name, str):
        raise UsageError(f"{show(name)} is no name of a method: give a text such as flickr.photos.getInfo.")
    known = METHODS.get(name)
    if known is not None:
        return known
    if name.lower().startswith("flickr.auth."):
        raise UsageError(
            f"{show(name)} is about logins, which no call may show: use `harvester auth login` or `auth status`."
        )
    if not unlisted:
        raise UsageError(f"Flickr's list of methods has no {show(name)}: {_advise(name)}")
    if not _WELL_FORMED.fullmatch(name):
        raise UsageError(f"{show(name)} is no name of a method: they look like flickr.photos.getInfo.")
    writes = write or not _READS.match(name.rpartition(".")[2])
    return Method(name, "write" if writes else "none", writes)


def _advise(name: str) -> str:
    known = {one.lower().removeprefix("flickr."): one for one in METHODS}
    asked = name.strip().lower().removeprefix("flickr.")
    near = [asked] if asked in known else difflib.get_close_matches(asked, known, n=1, cutoff=0.6)
    what = f"did you mean {known[near[0]]}?" if near else f"see {REFERENCE}."
    return f"{what} (To call a newer one that the list lacks: --unlisted, from Python unlisted=True.)"
