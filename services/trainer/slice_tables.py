"""A frozen dataset as a table with a row for each slice, written while it is sent, in Parquet or CSV."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from services.trainer.frozen_dataset import Header, Recording, open_dataset

VERSION = 1
"""Of the columns. Later versions append columns; none is renamed, moved or given another meaning."""

ROWS_PER_GROUP = 50_000

SCHEMA = pa.schema(
    [
        ("recording_sha256", pa.string()),
        ("audio", pa.string()),
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("kind", pa.string()),
        ("species", pa.string()),
        ("common_name", pa.string()),
        ("secondary", pa.string()),
        ("fold", pa.int32()),
        ("group", pa.string()),
        ("recordist", pa.string()),
        ("licence", pa.string()),
        ("source", pa.string()),
        ("source_url", pa.string()),
        ("xc_id", pa.string()),
        ("quality", pa.string()),
        ("country", pa.string()),
        ("locality", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("recorded_on", pa.date32()),
        ("segmentation", pa.string()),
    ]
)

_AS_THEY_ARE = tuple(SCHEMA.names[SCHEMA.names.index("recordist") :])


class Table(Protocol):
    """Writes batches to a file-like object."""

    def __init__(self, sink: io.RawIOBase, schema: pa.Schema) -> None: ...
    def write(self, batch: pa.RecordBatch) -> None: ...
    def close(self) -> None: ...


class ParquetTable:
    def __init__(self, sink: io.RawIOBase, schema: pa.Schema) -> None:
        self._writer = pa.parquet.ParquetWriter(sink, schema, compression="zstd")

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()


class CsvTable:
    def __init__(self, sink: io.RawIOBase, schema: pa.Schema) -> None:
        self._writer = pa.csv.CSVWriter(sink, schema)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()


def table_of(path: Path, sha256: str, kind: Callable[[io.RawIOBase, pa.Schema], Table]) -> Iterator[bytes]:
    """The table of the dataset in this file, piece by piece; memory for one group of rows is all it takes."""
    about = {"chiffchaff.dataset_sha256": sha256, "chiffchaff.columns": str(VERSION)}
    sink = _Sink()
    with open_dataset(path) as (header, recordings):
        table = kind(sink, SCHEMA.with_metadata(about))
        yield sink.taken()
        for batch in _batches(header, recordings):
            table.write(batch)
            yield sink.taken()
        table.close()
        yield sink.taken()


class _Sink(io.RawIOBase):
    """Keeps what is written until it is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _batches(header: Header, recordings: Iterable[Recording]) -> Iterator[pa.RecordBatch]:
    """Whole recordings, until there are rows enough for a group."""
    common = {label.scientific: label.common or None for label in header.labels}
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
    for recording in recordings:
        _add(columns, header, recording, common)
        if len(columns["start"]) >= ROWS_PER_GROUP:
            yield pa.RecordBatch.from_pydict(columns, SCHEMA)
            columns = {name: [] for name in SCHEMA.names}
    if columns["start"]:
        yield pa.RecordBatch.from_pydict(columns, SCHEMA)


def _add(columns: dict[str, list[Any]], header: Header, recording: Recording, common: Mapping[str, str | None]) -> None:
    starts = [*recording.slices, *recording.noise]
    signal, noise = len(recording.slices), len(recording.noise)
    ends = [min(start + header.window, recording.samples) for start in starts]
    columns["start"] += [start / header.sample_rate for start in starts]
    columns["end"] += [end / header.sample_rate for end in ends]
    columns["kind"] += ["signal"] * signal + ["noise"] * noise
    # Where nothing but background is heard, there is no species.
    columns["species"] += [recording.label] * signal + [None] * noise
    columns["common_name"] += [common.get(recording.label)] * signal + [None] * noise
    columns["secondary"] += ["; ".join(recording.secondary) or None] * signal + [None] * noise
    columns["recording_sha256"] += [recording.sha256] * len(starts)
    columns["audio"] += [recording.audio] * len(starts)
    columns["fold"] += [recording.fold] * len(starts)
    columns["group"] += [recording.group or recording.recordist or recording.sha256] * len(starts)
    for name in _AS_THEY_ARE:
        columns[name] += [getattr(recording, name)] * len(starts)
