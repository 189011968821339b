"""The GEO family. A member is always at the same place, so that no two of them are equally far from anything."""

import random

from compat.grammar.rule import Rule
from compat.grammar.source import WRONG_FLOATS, Source

_KEYS = tuple(b"geo%d" % number for number in range(4))
_UNITS = (b"m", b"km", b"ft", b"mi", b"KM", b"Mi", b"yd", b"")


def _make_places() -> dict[bytes, tuple[bytes, bytes]]:
    dice = random.Random("places")
    places = {}
    for number in range(160):
        # Half of them near each other, the others anywhere but near a pole or the antimeridian, where Redis misses some.
        near = number % 2 == 0
        longitude = dice.uniform(10, 20) if near else dice.uniform(-120, 120)
        latitude = dice.uniform(35, 45) if near else dice.uniform(-55, 55)
        places[b"p%d" % number] = (b"%.6f" % longitude, b"%.6f" % latitude)
    return places


_PLACES = _make_places()
_MEMBERS = tuple(_PLACES)
_ODD_COORDINATES = (b"181", b"-180", b"180", b"85.05112878", b"86", b"-91", b"0", b"nan", b"inf", *WRONG_FLOATS)


def _member(source: Source) -> bytes:
    return source.pick(_MEMBERS) if source.chance(0.97) else b"nobody"


def _add(source: Source) -> list[bytes]:
    options = source.some([b"NX"], [b"XX"], [b"CH"], probability=0.15)
    members = [source.pick(_MEMBERS) for _ in range(1 + source.below(30 if source.chance(0.2) else 4))]
    return [source.pick(_KEYS)] + options + [word for member in members for word in (*_PLACES[member], member)]


def _add_anything(source: Source) -> list[bytes]:
    coordinates = [source.pick(_ODD_COORDINATES) for _ in range(2)]
    return [source.key()] + source.some([b"NX"], [b"XX"], [b"CH"], [b"INCR"], probability=0.2) + coordinates + [b"x"]


def _point(source: Source) -> list[bytes]:
    if source.chance(0.03):
        return [source.pick(_ODD_COORDINATES) for _ in range(2)]
    return [b"%.4f" % (10 + source.random() * 10), b"%.4f" % (35 + source.random() * 10)]


def _length(source: Source) -> bytes:
    if source.chance(0.05):
        return source.pick((b"0", b"-1", b"abc", b"", b"1e3", b"nan"))
    return b"%d" % (1 + source.below(900))


def _radius(source: Source) -> list[bytes]:
    return [_length(source), source.pick(_UNITS) if source.chance(0.1) else source.pick((b"km", b"mi"))]


def _count(source: Source) -> list[bytes]:
    return [b"COUNT", source.pick((b"1", b"5", b"20", b"1000", b"0", b"-1", b"abc"))] + source.some([b"ANY"], probability=0.1)


def _shown(source: Source) -> list[bytes]:
    return source.some([b"WITHCOORD"], [b"WITHDIST"], [b"WITHHASH"], _count(source), [source.pick((b"ASC", b"DESC"))])


def _area(source: Source) -> list[bytes]:
    center = [b"FROMMEMBER", _member(source)] if source.chance(0.5) else [b"FROMLONLAT"] + _point(source)
    shape = [b"BYRADIUS"] + _radius(source)
    if source.chance(0.4):
        shape = [b"BYBOX", _length(source)] + _radius(source)
    return source.some(center, shape, probability=0.97)


def _key(source: Source) -> bytes:
    return source.pick(_KEYS) if source.chance(0.95) else source.pick((b"nowhere", b"lcs0"))


def _stored(source: Source) -> list[bytes]:
    return source.some([source.pick((b"STORE", b"STOREDIST")), b"found"], probability=0.3)


RULES = [
    Rule(b"GEOADD", 5, _add, mutable=False),
    Rule(b"GEOADD", 1, _add_anything),
    Rule(b"ZREM", 1, lambda s: [s.pick(_KEYS), _member(s)], mutable=False),
    Rule(b"GEOPOS", 1, lambda s: [_key(s)] + [_member(s) for _ in range(s.below(4))]),
    Rule(b"GEOPOS", 0.5, lambda s: [s.key(), b"m1", b"m2", b"x"]),
    Rule(b"GEOHASH", 1, lambda s: [_key(s)] + [_member(s) for _ in range(s.below(4))]),
    Rule(b"GEOHASH", 0.5, lambda s: [s.key(), b"m1", b"m2", b"x"]),
    Rule(b"GEODIST", 1, lambda s: [_key(s), _member(s), _member(s)] + s.some([s.pick(_UNITS)])),
    Rule(b"GEODIST", 0.5, lambda s: [s.key(), b"m1", b"m2"] + s.some([s.pick(_UNITS)])),
    Rule(b"GEOSEARCH", 3, lambda s: [_key(s)] + _area(s) + _shown(s), mutable=False),
    Rule(b"GEOSEARCHSTORE", 1, lambda s: [b"found", _key(s)] + _area(s) + _shown(s)[:1] + s.some([b"STOREDIST"]), mutable=False),
    Rule(b"GEORADIUS", 2, lambda s: [_key(s)] + _point(s) + _radius(s) + _shown(s) + _stored(s), mutable=False),
    Rule(b"GEORADIUS_RO", 1, lambda s: [_key(s)] + _point(s) + _radius(s) + _shown(s), mutable=False),
    Rule(b"GEORADIUSBYMEMBER", 2, lambda s: [_key(s), _member(s)] + _radius(s) + _shown(s) + _stored(s), mutable=False),
    Rule(b"GEORADIUSBYMEMBER_RO", 1, lambda s: [_key(s), _member(s)] + _radius(s) + _shown(s), mutable=False),
    Rule(b"ZRANGE", 0.5, lambda s: [b"found", b"0", b"-1", b"WITHSCORES"]),
]
