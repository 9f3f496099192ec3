"""Windows time zone names, as Exchange uses them, and the IANA zones they mean.

Source: Unicode CLDR, supplemental data windowsZones, territory 001.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_TABLE = """
Dateline=Etc/GMT+12 Aleutian=America/Adak Hawaiian=Pacific/Honolulu
Marquesas=Pacific/Marquesas Alaskan=America/Anchorage Pacific=America/Los_Angeles
Pacific_(Mexico)=America/Tijuana US_Mountain=America/Phoenix Mountain=America/Denver
Mountain_(Mexico)=America/Mazatlan Yukon=America/Whitehorse Central_America=America/Guatemala
Central=America/Chicago Central_(Mexico)=America/Mexico_City Canada_Central=America/Regina
Easter_Island=Pacific/Easter SA_Pacific=America/Bogota Eastern=America/New_York
Eastern_(Mexico)=America/Cancun US_Eastern=America/Indiana/Indianapolis Cuba=America/Havana
Haiti=America/Port-au-Prince Turks_And_Caicos=America/Grand_Turk Paraguay=America/Asuncion
Atlantic=America/Halifax Venezuela=America/Caracas Central_Brazilian=America/Cuiaba
SA_Western=America/La_Paz Pacific_SA=America/Santiago Newfoundland=America/St_Johns
Tocantins=America/Araguaina E._South_America=America/Sao_Paulo SA_Eastern=America/Cayenne
Argentina=America/Argentina/Buenos_Aires Greenland=America/Nuuk Montevideo=America/Montevideo
Magallanes=America/Punta_Arenas Saint_Pierre=America/Miquelon Bahia=America/Bahia
Mid-Atlantic=Etc/GMT+2 Azores=Atlantic/Azores Cape_Verde=Atlantic/Cape_Verde
GMT=Europe/London Greenwich=Atlantic/Reykjavik Sao_Tome=Africa/Sao_Tome
Morocco=Africa/Casablanca W._Europe=Europe/Berlin Central_Europe=Europe/Budapest
Romance=Europe/Paris Central_European=Europe/Warsaw W._Central_Africa=Africa/Lagos
Jordan=Asia/Amman GTB=Europe/Bucharest Middle_East=Asia/Beirut Egypt=Africa/Cairo
E._Europe=Europe/Chisinau Syria=Asia/Damascus West_Bank=Asia/Hebron
South_Africa=Africa/Johannesburg FLE=Europe/Kiev Israel=Asia/Jerusalem
South_Sudan=Africa/Juba Kaliningrad=Europe/Kaliningrad Sudan=Africa/Khartoum
Libya=Africa/Tripoli Namibia=Africa/Windhoek Arabic=Asia/Baghdad Turkey=Europe/Istanbul
Arab=Asia/Riyadh Belarus=Europe/Minsk Russian=Europe/Moscow E._Africa=Africa/Nairobi
Volgograd=Europe/Volgograd Iran=Asia/Tehran Arabian=Asia/Dubai Astrakhan=Europe/Astrakhan
Azerbaijan=Asia/Baku Mauritius=Indian/Mauritius Saratov=Europe/Saratov Georgian=Asia/Tbilisi
Caucasus=Asia/Yerevan Afghanistan=Asia/Kabul West_Asia=Asia/Tashkent
Qyzylorda=Asia/Qyzylorda Ekaterinburg=Asia/Yekaterinburg Pakistan=Asia/Karachi
India=Asia/Kolkata Sri_Lanka=Asia/Colombo Nepal=Asia/Kathmandu Central_Asia=Asia/Bishkek
Bangladesh=Asia/Dhaka Omsk=Asia/Omsk Myanmar=Asia/Yangon SE_Asia=Asia/Bangkok
Altai=Asia/Barnaul W._Mongolia=Asia/Hovd North_Asia=Asia/Krasnoyarsk
N._Central_Asia=Asia/Novosibirsk Tomsk=Asia/Tomsk China=Asia/Shanghai
North_Asia_East=Asia/Irkutsk Singapore=Asia/Singapore W._Australia=Australia/Perth
Taipei=Asia/Taipei Ulaanbaatar=Asia/Ulaanbaatar Aus_Central_W.=Australia/Eucla
Transbaikal=Asia/Chita Tokyo=Asia/Tokyo North_Korea=Asia/Pyongyang Korea=Asia/Seoul
Yakutsk=Asia/Yakutsk Cen._Australia=Australia/Adelaide AUS_Central=Australia/Darwin
E._Australia=Australia/Brisbane AUS_Eastern=Australia/Sydney West_Pacific=Pacific/Port_Moresby
Tasmania=Australia/Hobart Vladivostok=Asia/Vladivostok Lord_Howe=Australia/Lord_Howe
Bougainville=Pacific/Bougainville Magadan=Asia/Magadan Norfolk=Pacific/Norfolk
Sakhalin=Asia/Sakhalin Central_Pacific=Pacific/Guadalcanal New_Zealand=Pacific/Auckland
Fiji=Pacific/Fiji Chatham_Islands=Pacific/Chatham Tonga=Pacific/Tongatapu Samoa=Pacific/Apia
Line_Islands=Pacific/Kiritimati
"""

_WITHOUT_SUFFIX = {
    "UTC": "Etc/UTC",
    "UTC-11": "Etc/GMT+11",
    "UTC-09": "Etc/GMT+9",
    "UTC-08": "Etc/GMT+8",
    "UTC-02": "Etc/GMT+2",
    "UTC+12": "Etc/GMT-12",
    "UTC+13": "Etc/GMT-13",
    "Russia Time Zone 3": "Europe/Samara",
    "Russia Time Zone 10": "Asia/Srednekolymsk",
    "Russia Time Zone 11": "Asia/Kamchatka",
}


def _windows_name(key: str) -> str:
    name, _, country = key.replace("_", " ").partition(" (")
    return f"{name} Standard Time" + (f" ({country}" if country else "")


IANA_BY_WINDOWS = MappingProxyType(
    _WITHOUT_SUFFIX
    | {_windows_name(key): zone for key, zone in (row.split("=") for row in _TABLE.split())}
)
"""Windows name -> IANA name."""


def zone_named(name: str) -> ZoneInfo | None:
    """The zone that Exchange calls `name`, Windows or IANA; None for one nobody knows."""
    try:
        return ZoneInfo(IANA_BY_WINDOWS.get(name, name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@lru_cache(maxsize=1024)
def windows_name(zone: str) -> str:
    """The Windows name under which Exchange keeps the time of the IANA zone `zone`.

    Exchange takes about a hundred IANA names and every Windows one, so it is always sent these
    (Graph, "dateTimeTimeZone"). A zone beside CLDR's table gets the name of one that has shown
    the same time every two hours for years; "" where there is none.
    """
    if zone in _WINDOWS_BY_IANA:
        return _WINDOWS_BY_IANA[zone]
    wanted = zone_named(zone)
    if wanted is None:
        return ""
    return next((name for name in IANA_BY_WINDOWS if _keep_one_time(wanted, name)), "")


# Of two names for one zone the first counts: "Mid-Atlantic" lives on for old events alone.
_WINDOWS_BY_IANA = MappingProxyType({zone: name for name, zone in [*IANA_BY_WINDOWS.items()][::-1]})
_FIRST_SAMPLE = datetime(2025, 1, 1, tzinfo=UTC)
_SAMPLE_STEP = timedelta(hours=2)
_SAMPLES = 12 * 365 * 4


def _keep_one_time(zone: tzinfo, windows: str) -> bool:
    other = zone_named(windows)
    if other is None:
        return False
    moments = (_FIRST_SAMPLE + number * _SAMPLE_STEP for number in range(_SAMPLES))
    return all(
        at.astimezone(zone).utcoffset() == at.astimezone(other).utcoffset() for at in moments
    )
