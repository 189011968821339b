"""What CONFIG SET is told about each directive: the same texts for all, and more for those with a grammar of their own.

Which directives there are, and the words of those that take words, come from the reference itself.
"""

import re

from harness import Client

Table = dict[bytes, bytes]

# Its default differs (D92).
NOT_COMPARED = {b"io-threads"}

_ALL = [
    b"", b"yes", b"no", b"YES", b"maybe", b"0", b"1", b"-1", b"-2", b"2", b"10", b"99", b"100", b"101", b"500", b"501", b"1023",
    b"1024", b"65535", b"65536", b"1048575", b"1048576", b"2147483647", b"2147483648", b"-2147483648", b"-2147483649",
    b"4294967295", b"4294967296", b"9223372036854775807", b"9223372036854775808", b"18446744073709551615",
    b"-9223372036854775808", b"1kb", b"1KB", b"1k", b"3mb", b"2gb", b"2g", b"1b", b"1tb", b"kb", b"5%", b"100%", b"101%", b"-1%",
    b"%", b"1.5", b"1e3", b"0x10", b"010", b"777", b"1777", b"8", b"+1", b" 1", b"1 ", b"abc", b"a b", b"a  b", b" ", b"a/b",
    b'a"b', b"a\nb", b"x" * 255, b"x" * 256, b"{port}", b"{nope}", b"\xff\xfe",
]  # fmt: skip

_MORE = {
    b"save": [
        b"60 1", b"60 1 10 2", b"60 1 10", b"60 0", b"0 1", b"60 -1", b"9223372036854775807 1", b"60 2147483647", b"60  1", b" 60 1 ",
        b'""', b"'60 1'", b"+60 1", b"\t60 1", b"0x3 1", b"60 1 ",
    ],
    b"client-output-buffer-limit": [
        b"normal 1mb 1mb 1", b"slave 1 2 3 pubsub 4 5 6", b"normal 1 2", b"master 0 0 0", b"NORMAL 5 6 7",
        b"normal -1 0 0", b"normal 1 1 -1", b"normal 0 0 0 normal 1 1 1", b"normal  0 0 0", b"normal 1x 0 0", b"normal 1  3",
        b"normal 1 2 ", b"normal 1 2 +3", b"normal 1 2 99999999999999999999", b"normal 0 0 0 replica 1mb 2k 5",
    ],
    b"oom-score-adj-values": [
        b"0 1 2", b"2 1 0", b"0 200", b"0 200 800 900", b"-2000 0 2000", b"-2001 0 2000", b"1 1 1", b"a 1 2", b"0 10 5", b"0  2",
        b"0  1 2", b"01 2 3", b"+1 2 3", b"1x 2 3", b"\t1 2 3",
    ],
    b"notify-keyspace-events": [b"KEA", b"Kg$", b"lshzxetdmnE", b"A", b"AKE", b"An", b"Am", b"Q", b"KEAQ", b"K E", b"AA"],
    b"latency-tracking-info-percentiles": [
        b"50", b"50 99.9 100", b"50 101", b"-1", b"0", b"99.9999999", b"1e1", b"nan", b"inf", b"0x10", b"50 50", b"50  60", b"5,5",
    ],
    b"shutdown-on-sigterm": [b"nosave now", b"save nosave", b"now force", b"force default", b"now now", b"default default"],
    b"shutdown-on-sigint": [b"nosave now", b"save nosave", b"now force", b"default now"],
    b"cluster-announce-hostname": [b"a.b-c", b"a_b", b"h.example"],
    b"proc-title-template": [
        b"{title} {listen-addr} {server-mode}", b"x{port}", b"{", b"}", b"{{", b"{{title}}", b"{}", b"{tls-port}{unixsocket}{config-file}",
        b"{title}x", b"\t",
    ],
    b"tls-protocols": [b"TLSv1.2", b"TLSv1.2 TLSv1.3", b"SSLv3"],
    # What is accepted last is kept for a while.
    b"maxmemory-clients": [b"1gb", b"0%", b"50%"],
    b"maxmemory-policy": [b"allkeys-lru noeviction"],
}  # fmt: skip

_NO_PORTS = [b"-1", b"65536", b"abc", b"", b"1.5", b" 1", b"6379x"]

_INSTEAD = {
    # Nobody may listen on ports and addresses that are not the tests'.
    b"bind": [
        b"", b"127.0.0.1", b"127.0.0.1 -::1", b"192.0.2.1", b"-192.0.2.1 127.0.0.1", b" ".join([b"127.0.0.1"] * 16),
        b" ".join([b"127.0.0.1"] * 17), b" 127.0.0.1 ", b" ",
    ],
    b"port": _NO_PORTS,
    b"tls-port": _NO_PORTS + [b"0"],
    # The reference comes to a halt while it looks for the greatest number of descriptors below such a number.
    b"maxclients": [text for text in _ALL if text not in (b"2147483647", b"2147483648", b"4294967295")],
}  # fmt: skip

# D66 and D91 have tests of their own.
_LEFT_OUT = {
    b"activedefrag": [b"yes", b"YES"],
    b"maxmemory-clients": [b"9223372036854775808", b"18446744073709551615"],
}


def directives(client: Client) -> Table:
    """All that CONFIG GET * shows, names and aliases, with the values."""
    flat = [reply.value for reply in client.must("CONFIG", "GET", "*").value]
    return dict(zip(flat[::2], flat[1::2]))


def texts(reference: Client, name: bytes) -> list[bytes]:
    """What to set `name` to: its value comes first. It may be left with another value."""
    current = reference.must("CONFIG", "GET", name).value[1].value
    if name in _INSTEAD:
        return [current] + _INSTEAD[name]
    refused = reference.command("CONFIG", "SET", name, "no such word")
    found = re.search(rb"one of the following: (.*)$", refused.value)
    words = found.group(1).split(b", ") if found else []
    # What is a word here is one in another case too; two of them are none, or both.
    own = words + [word.upper() for word in words] + [b" ".join(words[:2]), b" ".join(words[-2:])] if words else []
    return [current] + [text for text in _ALL + _MORE.get(name, []) + own if text not in _LEFT_OUT.get(name, [])]
