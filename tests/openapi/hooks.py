"""What schemathesis cannot know: values of our own formats, and that a recording is a sound."""

import base64
import io
import zlib
from typing import Any

import numpy as np
import schemathesis
import soundfile
from hypothesis import strategies as st

SOUND_FIELDS = ("audio", "file")


def _cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _sound() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(0).standard_normal(4_000) * 0.1, 8_000, format="WAV")
    return file.getvalue()


SOUND = _sound()
_degrees = st.integers(-90, 90)
_moments = st.datetimes().map(lambda moment: f"{moment.isoformat()}+00:00")

schemathesis.openapi.format("cursor", _moments.map(lambda moment: _cursor(f"{moment}|{'0' * 32}")))
schemathesis.openapi.format("place-cursor", st.integers(0, 2**31 - 1).map(lambda at: _cursor(f"{at}|signal|")))
schemathesis.openapi.format("candidate-cursor", st.integers(0, 2**31 - 1).map(lambda number: _cursor(f"0.5|{number}")))
schemathesis.openapi.format("box", st.tuples(_degrees, _degrees).map(lambda at: f"{min(at)},5,{max(at)},15"))


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """Every other upload is a sound: of random bytes, not one would get past the decoder."""
    if isinstance(body, bytes):
        return SOUND if zlib.crc32(body) % 2 else body
    if isinstance(body, dict):
        for field in SOUND_FIELDS:
            if isinstance(body.get(field), bytes) and zlib.crc32(body[field]) % 2:
                return {**body, field: SOUND}
            if isinstance(body.get(field), list):
                return {**body, field: [SOUND if isinstance(one, bytes) else one for one in body[field]]}
    return body
