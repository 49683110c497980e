"""Places where the sandbox's photos were taken."""

from typing import NamedTuple


class Place(NamedTuple):
    """A place as getInfo tells it; an empty part is absent from the answer."""

    latitude: float
    longitude: float
    neighbourhood: str
    locality: str
    county: str
    region: str
    country: str
    place_id: str
    woeid: str


def _place(latitude: float, longitude: float, parts: str, woeid: str) -> Place:
    neighbourhood, locality, county, region, country = (part.strip() for part in parts.split("|"))
    place_id = f"{woeid[::-1]}.9TUb{len(locality):x}{woeid}"[:16]
    return Place(latitude, longitude, neighbourhood, locality, county, region, country, place_id, woeid)


PLACES = (
    _place(51.507, -0.128, "Soho | London | Greater London | England | United Kingdom", "44418"),
    _place(41.902, 12.496, "| Roma | Roma | Lazio | Italy", "721943"),
    _place(55.751, 37.618, "Арбат | Москва | | Moscow Federal City | Russia", "2122265"),
    _place(37.983, 23.727, "Πλάκα | Αθήνα | | Attica | Greece", "946738"),
    _place(31.778, 35.235, "| ירושלים | | Jerusalem District | Israel", "1968222"),
    _place(30.044, 31.236, "| القاهرة | | Al Qahirah | Egypt", "1521894"),
    _place(28.613, 77.209, "| दिल्ली | New Delhi | Delhi | India", "28743736"),
    _place(35.689, 139.692, "新宿 | 東京 | | 東京都 | 日本", "1118370"),
    _place(36.732, 138.462, "地獄谷 | 山ノ内町 | 下高井郡 | 長野県 | 日本", "28565053"),
    _place(39.904, 116.407, "| 北京 | | 北京市 | 中国", "2151330"),
    _place(37.566, 126.978, "종로구 | 서울 | | 서울특별시 | 대한민국", "1132599"),
    _place(13.756, 100.502, "| กรุงเทพมหานคร | | Bangkok | Thailand", "1225448"),
    _place(40.713, -74.006, "DUMBO | New York | Kings | New York | United States", "2459115"),
    _place(37.775, -122.419, "Polk Gulch | San Francisco | San Francisco | California | United States", "2487956"),
    _place(-22.907, -43.173, "Copacabana | Rio de Janeiro | | Rio de Janeiro | Brasil", "455825"),
    _place(-33.869, 151.209, "The Rocks | Sydney | Sydney | New South Wales | Australia", "1105779"),
    _place(50.110, 14.446, "Malá Strana | Praha | Praha | Hlavní město Praha | Česko", "796597"),
    _place(52.230, 21.011, "| Warszawa | Warszawa | Mazowieckie | Polska", "523920"),
    _place(64.128, -21.827, "| Reykjavík | | Capital Region | Iceland", "980389"),
    _place(-17.714, 178.065, "| | | | Fiji", "23424813"),
)
"""Place number n of the catalogue is PLACES[n - 1]; 0 is no place."""
