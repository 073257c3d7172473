"""Requests that nobody sends by mistake: bodies, forms, chunks, heads and addresses that go wrong.

Each kind takes a source of chance and makes the pieces of one request, to be sent over a socket as they are.
"""

import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from bench.fuzz_decoder import corrupted, seeds
from bench.mutations import Chance, with_right_checksums

UPLOAD_MB = 8
"""What the attacked service takes at most."""
UPLOADS = ("/classify", "/recordings")
JSON_ROUTES = ("/datasets", "/trainings", "/jobs/retry", "/preparations", "/storage/prunings", "/ingestions")


@dataclass(frozen=True)
class Attack:
    """What to send, piece by piece, with so many seconds after each; `cut` hangs up then, without a word."""

    pieces: list[bytes]
    pause: float = 0.0
    cut: bool = False


Kind = Callable[[Chance], Attack]


def head(path: str, method: str = "POST", **fields: object) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: here", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def whole(path: str, body: bytes, content_type: str = "application/octet-stream") -> list[bytes]:
    return [head(path, Content_Type=content_type, Content_Length=len(body)), body]


def form(content: bytes, name: str = "audio", filename: str = "a.wav") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'
    return b"--x\r\n" + disposition.encode("latin-1") + b"\r\n\r\n" + content + b"\r\n--x--\r\n"


FORM = "multipart/form-data; boundary=x"


def _encoded(seconds: float, rate: int, kind: str, level: float) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0)
    with soundfile.SoundFile(file, "w", rate, 1, format=kind) as sound:
        for _ in range(max(1, round(seconds))):
            sound.write(noise.standard_normal(round(rate * min(1, seconds))) * level)
    return file.getvalue()


class Attacks:
    """All kinds, over files that are made once."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        with tempfile.TemporaryDirectory(prefix="chiffchaff-attacks-") as folder:
            self._files = seeds(Path(folder))
        self.good = _encoded(3, 22_050, "WAV", 0.1)
        self._bombs = self._made_bombs()
        self._number = 0
        self.kinds: dict[str, tuple[int, Kind]] = {
            "corrupted sound": (45, self.corrupted_sound),
            "decompression bomb": (3, self.bomb),
            "wrong content type": (8, self.wrong_type),
            "bad form": (12, self.bad_form),
            "slow head": (1, self.slow_head),
            "slow body": (2, self.slow_body),
            "cut in the middle": (8, self.cut),
            "too large": (3, self.too_large),
            "odd chunks": (6, self.odd_chunks),
            "endless address": (4, self.endless_address),
            "garbage": (4, self.garbage),
            "bad JSON": (4, self.bad_json),
        }
        """How many of a hundred, and how one is made."""

    def plan(self, count: int) -> list[str]:
        """The kinds of so many attacks, mixed."""
        names, shares = zip(*((name, share) for name, (share, _) in self.kinds.items()), strict=True)
        chance = np.random.default_rng(self._seed)
        return [str(name) for name in chance.choice(names, size=count, p=np.array(shares) / sum(shares))]

    def make(self, kind: str, number: int) -> Attack:
        """The same seed, kind and number make the same attack."""
        self._number = number
        return self.kinds[kind][1](np.random.default_rng((self._seed, number)))

    def corrupted_sound(self, chance: Chance) -> Attack:
        _, content = corrupted(self._files, self._seed, self._number)
        match chance.integers(10):
            case 0:
                return Attack(whole("/recordings", form(content), FORM))
            case 1 | 2 | 3:
                return Attack(whole("/classify", form(content), FORM))
            case _:
                return Attack(whole("/classify", content))

    def bomb(self, chance: Chance) -> Attack:
        bomb = self._bombs[chance.integers(len(self._bombs))]
        return Attack(whole("/classify", bomb))

    def wrong_type(self, chance: Chance) -> Attack:
        types = ("", "text/html", "application/json", "multipart/form-data", "multipart/mixed; boundary=x", "/", ";;;")
        odd = ("audio/wav; charset=" + "x" * 5_000, "a" * 20_000, "image/png\t", "application/x-www-form-urlencoded")
        content_type = str(chance.choice([*types, *odd]))
        path = str(chance.choice([*UPLOADS, *JSON_ROUTES]))
        return Attack(whole(path, self.good if chance.random() < 0.5 else chance.bytes(300), content_type))

    def bad_form(self, chance: Chance) -> Attack:
        path = str(chance.choice(UPLOADS))
        part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        charset = ("punycode", "idna", "hex", "utf-16", "utf-7", "none", "unicode_escape", "undefined", "rot13")
        typed = f"{FORM}; charset={chance.choice(charset)}"
        choices: list[tuple[str, bytes]] = [
            ("multipart/form-data", form(self.good)),
            ("multipart/form-data; boundary=", form(self.good)),
            ("multipart/form-data; boundary=" + "y" * 4_000, form(self.good)),
            (FORM, part * 10_000 + b"--x--\r\n"),
            (FORM, form(self.good).replace(b"\r\n\r\n", b"\r\nX-Long: " + b"z" * 500_000 + b"\r\n\r\n", 1)),
            (FORM, form(self.good).replace(b"\r\n\r\n", b"\r\nX: y" * 20_000 + b"\r\n\r\n", 1)),
            (FORM, form(form(form(self.good)))),
            (FORM, form(self.good)[: int(chance.integers(1, 400))]),
            (FORM, form(self.good) + form(self.good)),
            (FORM, form(self.good, filename="a\0b.wav")),
            (FORM, form(self.good, filename="../" * 2_000 + "etc/passwd")),
            (FORM, form(self.good, name="", filename="\xff" * 300)),
            (FORM, b"--x\r\n\r\n\r\n--x--"),
            (FORM, b""),
            (typed, form(self.good, filename="\xe4\xff\\u12.wav")),
            (typed, b'--x\r\nContent-Disposition: form-data; name="label"\r\n\r\n\xff\xfe\xd8\r\n' + form(self.good)),
        ]
        content_type, body = choices[chance.integers(len(choices))]
        return Attack(whole(path, body, content_type))

    def slow_head(self, chance: Chance) -> Attack:
        return Attack([bytes([byte]) for byte in head("/classify", X="y" * 200)], pause=0.5)

    def slow_body(self, chance: Chance) -> Attack:
        first, body = whole(str(chance.choice([*UPLOADS, "/datasets"])), self.good)
        return Attack([first, *(body[at : at + 1] for at in range(400))], pause=0.5)

    def cut(self, chance: Chance) -> Attack:
        path, content = str(chance.choice(UPLOADS)), self.good
        first, body = whole(path, form(content), FORM) if chance.random() < 0.5 else whole(path, content)
        return Attack([first, body[: int(chance.integers(len(body) + 1))]], cut=True)

    def too_large(self, chance: Chance) -> Attack:
        path = str(chance.choice([*UPLOADS, *JSON_ROUTES]))
        match chance.integers(3):
            case 0:
                return Attack([head(path, Content_Length=10 ** int(chance.integers(8, 30))), b"x" * 1_000])
            case 1:
                return Attack([head(path, Content_Length=chance.choice(["-1", "1e9", "0x10", "1, 2", "", "+5"])), b"x"])
            case _:
                megabyte = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
                return Attack([head(path, Transfer_Encoding="chunked"), *[megabyte] * (UPLOAD_MB + 2), b"0\r\n\r\n"])

    def odd_chunks(self, chance: Chance) -> Attack:
        path = str(chance.choice(UPLOADS))
        bodies = (
            b"zz\r\nab\r\n",
            b"-1\r\n",
            b"ffffffffffffffffff\r\nab",
            b"2;" + b"e" * 100_000 + b"\r\nab\r\n0\r\n\r\n",
        )
        more = (
            b"2\r\nabc\r\n0\r\n\r\n",
            b"1\r\na\r\n" * 5_000 + b"0\r\n\r\n",
            b"0\r\nTrailer: " + b"t" * 100_000 + b"\r\n\r\n",
        )
        body = [*bodies, *more, b"", b"5\n", b"\0\0"][chance.integers(10)]
        fields: dict[str, object] = {
            "Transfer_Encoding": str(chance.choice(["chunked", "gzip, chunked", "x", "Chunked"]))
        }
        if chance.random() < 0.3:
            fields["Content_Length"] = 5
        return Attack([head(path, **fields), body], cut=bool(chance.random() < 0.2))

    def endless_address(self, chance: Chance) -> Attack:
        paths = ("/recordings", "/classify", "/jobs", "/species", "/attributions", "/models/a/1", "/recordings/x/audio")
        path = str(chance.choice(paths))
        queries = (
            "?" + "a" * 500_000,
            "?" + "&".join(f"species=s{number}" for number in range(5_000)),
            "?cursor=" + "A" * 30_000,
            "?text=%00%ff%fe&box=" + ",".join(["9" * 400] * 4),
            "/" + "%2e%2e%2f" * 3_000,
            "?limit=" + "9" * 5_000,
            "?" + "%" * 10_000,
            "/" + "".join(chr(int(code)) for code in chance.integers(0x21, 0xFF, size=200)),
        )
        return Attack([head(path + queries[chance.integers(len(queries))], "GET")])

    def garbage(self, chance: Chance) -> Attack:
        one = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
        choices = (
            chance.bytes(2_000),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.bytes(500),
            one + chance.bytes(500),
            one * 300,
            b"GET /healthz\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 30_000 + b"\r\n",
            b"GET /healthz HTTP/1.1\r\nX: " + b"z" * 1_000_000,
            b"\r\n" * 5_000,
            head("/jobs/x/events", "GET", Upgrade="websocket", Connection="Upgrade", Sec_WebSocket_Key="x"),
            head("/classify", "BREW") + b"x",
        )
        return Attack([choices[chance.integers(len(choices))]])

    def bad_json(self, chance: Chance) -> Attack:
        path = str(chance.choice(JSON_ROUTES))
        choices = (
            b"[" * 50_000,
            b'{"name": ' * 5_000,
            b'{"name": "\xff\xfe"}',
            b'{"name": "\\ud800", "kind": "\\u0000", "path": "\\u0000", "source": "folder"}',
            b'{"max_gb": 1' + b"0" * 4_000 + b"}",
            b'{"max_gb": NaN, "max_gb": Infinity, "seed": 1e999}',
            json.dumps({"source": "folder", "path": "../" * 500}).encode(),
            json.dumps({"config": {f"k{number}": number for number in range(20_000)}, "name": "a"}).encode(),
            json.dumps({"species": ["x" * 150] * 5_000}).encode(),
            b"null",
            b"",
        )
        return Attack(whole(path, choices[chance.integers(len(choices))], "application/json"))

    def _made_bombs(self) -> list[bytes]:
        """Hours of silence in a few megabytes, and small files that claim to be hours long."""
        flac = _encoded(7_200, 8_000, "FLAC", 0.0)
        second = _encoded(1, 8_000, "MP3", 0.0)
        mp3 = second * min(1_500, (UPLOAD_MB << 20) // len(second) - 1)
        ogg = bytearray(_encoded(2, 8_000, "OGG", 0.0))
        last = ogg.rfind(b"OggS")
        ogg[last + 6 : last + 14] = (8_000 * 36_000).to_bytes(8, "little")
        wav = bytearray(_encoded(1, 8_000, "WAV", 0.0))
        wav[4:8] = wav[40:44] = b"\xff\xff\xff\xff"
        rate = bytearray(_encoded(1, 8_000, "WAV", 0.0))
        rate[24:28] = b"\xff\xff\xff\x7f"
        return [flac, mp3, with_right_checksums(bytes(ogg)), bytes(wav), bytes(rate)]
