"""Loads the topics `lofty.snapshots` and `ghl.receipts` into a DuckDB file, each record once.

    pip install duckdb confluent-kafka
    python load.py lofty-ghl.duckdb -X bootstrap.servers=localhost:9092

It reads to the end of both topics and stops; `--follow` goes on. The next run continues where the last one ended.

**Each record once.** The offsets are in the same file as the rows, and one transaction writes both. So Kafka's own commits are not
used, no group is joined, and a kill at any moment loses nothing and counts nothing twice. DuckDB lets one process write a file.

**Nothing is thrown away.** A value is kept whole, as JSON: a field that a later release adds is in the table before a query
asks for it. A record without a value (a tombstone) is a row, too. What is no JSON is kept as it came, in `unreadable`.
A version `v` that this recipe does not know ends the run before the record is stored: the contract (docs/topics.md) demands it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, KafkaException, Message, TopicPartition

TOPICS = ("lofty.snapshots", "ghl.receipts")
KNOWN_VERSION = 1
BATCH = 10_000
WAIT_SECONDS = 1.0
ANSWER_SECONDS = 30.0
"""So long Kafka may be silent before all is read; then the run ends, and the next one goes on there."""
TABLES = (Path(__file__).parent / "tables.sql").read_text(encoding="utf-8")

INCOMING = """
    CREATE OR REPLACE TEMP TABLE incoming AS
    SELECT topic, "partition", "offset", make_timestamp(written_ms * 1000) AS written, key, text, json_valid(text) AS is_json
    FROM (SELECT unnest($1) AS topic, unnest($2) AS "partition", unnest($3) AS "offset", unnest($4::BIGINT[]) AS written_ms,
                 unnest($5::VARCHAR[]) AS key, unnest($6::VARCHAR[]) AS text)
"""
INSERT = """
    INSERT INTO records
    SELECT topic, "partition", "offset", written, key,
           CASE WHEN is_json THEN text::JSON END, CASE WHEN NOT is_json THEN text END
    FROM incoming
"""
NEWER = f"""
    SELECT topic, "partition", "offset", value ->> 'v'
    FROM (SELECT *, CASE WHEN is_json THEN text::JSON END AS value FROM incoming)
    WHERE try_cast(value ->> 'v' AS BIGINT) > {KNOWN_VERSION}
    ORDER BY ALL LIMIT 1
"""
ADVANCE = """
    INSERT OR REPLACE INTO positions
    SELECT topic, "partition", max("offset") + 1 FROM incoming GROUP BY topic, "partition"
"""

Places = dict[tuple[str, int], int]
"""The offset of each topic and partition that comes next."""


def load(path: str, kafka: Mapping[str, str], prefix: str = "", *, follow: bool = False) -> int:
    """Read to the end of all partitions, or for ever. Returns the number of records that were stored.

    Raises `SystemExit` with the reason in a line when it has to stop; what was stored stays.
    """
    consumer = Consumer(
        {
            "group.id": "lofty-ghl-recipes",  # librdkafka demands one; it is never joined
            **kafka,
            "enable.auto.commit": "false",
            "enable.partition.eof": "true",
            "auto.offset.reset": "error",
        }
    )
    stored = 0
    try:
        with duckdb.connect(path) as database:
            database.execute(TABLES)
            places = starts(consumer, positions(database), prefix)
            consumer.assign([TopicPartition(prefix + topic, number, at) for (topic, number), at in places.items()])
            unread = set(places)
            heard = time.monotonic()
            while unread or follow:
                records = []
                messages = consumer.consume(BATCH, WAIT_SECONDS)
                if messages:
                    heard = time.monotonic()
                elif unread and time.monotonic() - heard > ANSWER_SECONDS:
                    raise SystemExit(f"Kafka has sent nothing for {ANSWER_SECONDS:.0f} s: is it up? Run this again.")
                for message in messages:
                    place = (str(message.topic()).removeprefix(prefix), int(message.partition() or 0))
                    if (error := message.error()) is None:
                        records.append((*place, message))
                    elif error.code() == KafkaError._PARTITION_EOF:
                        unread.discard(place)
                    else:
                        raise SystemExit(f"{place[0]}[{place[1]}]: {error.str()}")
                store(database, records)
                stored += len(records)
    except KafkaException as error:
        raise SystemExit(f"Kafka: {error.args[0].str()}. Is it up, and are the settings of -X right?") from None
    finally:
        consumer.close()
    return stored


def positions(database: duckdb.DuckDBPyConnection) -> Places:
    """Where the last run ended."""
    rows = database.execute('SELECT topic, "partition", next_offset FROM positions').fetchall()
    return {(topic, number): at for topic, number, at in rows}


def starts(consumer: Consumer, known: Places, prefix: str) -> Places:
    """Where to begin in each partition: where the last run ended, or with the oldest record."""
    places: Places = {}
    for topic, number in partitions(consumer, prefix):
        name = f"{prefix}{topic}[{number}]"
        oldest, end = consumer.get_watermark_offsets(TopicPartition(prefix + topic, number), ANSWER_SECONDS)
        at = known.get((topic, number), oldest)
        if at > end:
            raise SystemExit(
                f"{name} ends at {end}, and {at} comes next: this is another topic. Begin with a new file."
            )
        if at < oldest:
            print(f"{name}: Kafka has deleted {oldest - at} records that were never read", file=sys.stderr)
        places[topic, number] = max(at, oldest)
    return places


def partitions(consumer: Consumer, prefix: str) -> Iterator[tuple[str, int]]:
    """All partitions of both topics."""
    for topic in TOPICS:
        found = consumer.list_topics(prefix + topic, ANSWER_SECONDS).topics[prefix + topic]
        if found.error is not None:
            raise SystemExit(f"{prefix}{topic}: {found.error.str()}")
        yield from ((topic, number) for number in found.partitions)


def store(database: duckdb.DuckDBPyConnection, records: Sequence[tuple[str, int, Message]]) -> None:
    """Rows and positions, in one transaction."""
    if not records:
        return
    columns = zip(*(row(*record) for record in records), strict=True)
    database.begin()
    try:
        database.execute(INCOMING, [list(column) for column in columns])
        newer = database.execute(NEWER).fetchone()
        if newer is not None:
            raise SystemExit(
                "{}[{}]@{} is of version {}, which this recipe does not know: take a newer one.".format(*newer)
            )
        database.execute(INSERT)
        database.execute(ADVANCE)
        database.commit()
    except BaseException:
        database.rollback()
        raise


def row(topic: str, number: int, message: Message) -> tuple[str, int, int, int | None, str | None, str | None]:
    """A record as the columns of `incoming`."""
    kind, at_ms = message.timestamp()
    written_ms = None if kind == TIMESTAMP_NOT_AVAILABLE else at_ms
    return topic, number, int(message.offset() or 0), written_ms, text(message.key()), text(message.value())


def text(raw: str | bytes | None) -> str | None:
    """Bytes as text. What is no UTF-8 stays visible, and stops nobody."""
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("database", help="the DuckDB file; it is made if there is none")
    parser.add_argument(
        "-X", dest="kafka", action="append", default=[], metavar="NAME=VALUE", help="a setting of librdkafka"
    )
    parser.add_argument("--prefix", default="", help="kafka.topic_prefix of the deployment")
    parser.add_argument("--follow", action="store_true", help="go on at the end of the topics")
    arguments = parser.parse_args()
    for setting in arguments.kafka:
        if "=" not in setting:
            parser.error(f"-X: expected NAME=VALUE, such as bootstrap.servers=localhost:9092, got {setting!r}")
    kafka = dict(setting.split("=", 1) for setting in arguments.kafka)
    stored = load(arguments.database, kafka, arguments.prefix, follow=arguments.follow)
    print(f"{stored} new records")


if __name__ == "__main__":
    main()
