"""Parquet, for pandas, Polars, DuckDB, Arrow and R: the columns of `table` with their types."""

import itertools
from collections.abc import Iterable
from typing import Any, BinaryIO

from services.inference.results.model import About, Result
from services.inference.results.table import COLUMNS, rows

ROWS_IN_A_GROUP = 20_000
METADATA_KEY = b"chiffchaff"
"""Under it the file's metadata has `About` as JSON, the thresholds of the species among it."""


def write_parquet(results: Iterable[Result], about: About, file: BinaryIO) -> None:
    """Row groups of 20,000 rows, written as they fill, compressed by Zstandard."""
    # Here, so that whoever writes another format does not wait for it.
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[str, Any] = {
        "path": pa.string(),
        "text": pa.string(),
        "number": pa.float64(),
        "whole": pa.int32(),
        "yes or no": pa.bool_(),
        "local time": pa.timestamp("ms"),
        "UTC time": pa.timestamp("ms", tz="UTC"),
    }
    fields = [pa.field(name, types[kind]) for name, kind in COLUMNS.items()]
    schema = pa.schema(fields, metadata={METADATA_KEY: about.model_dump_json().encode()})
    remaining = (tuple(row.values()) for row in rows(results, about))
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        while group := list(itertools.islice(remaining, ROWS_IN_A_GROUP)):
            columns = zip(zip(*group, strict=True), fields, strict=True)
            arrays = [pa.array(values, field.type, safe=False) for values, field in columns]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
