"""
The least that puts lines on Kafka with nothing lost: one idempotent producer, no spool, no cursor.

    python -m bench.bare_producer --servers HOST:PORT --topic posts --path posts.jsonl
"""

import argparse
import json
import time

from confluent_kafka import KafkaError, Message, Producer

_FULL_SECONDS = 0.1


def main() -> None:
    """Produce every line, wait until all are confirmed, and say how long it took."""
    parser = argparse.ArgumentParser(description="a bare idempotent producer")
    parser.add_argument("--servers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--path", required=True)
    given = parser.parse_args()
    started = time.monotonic()
    failed: list[str] = []

    def on_delivery(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(str(error))

    producer = Producer(
        {
            "bootstrap.servers": given.servers,
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "zstd",
            "linger.ms": 20,
            "delivery.report.only.error": True,
        }
    )
    rows = 0
    with open(given.path, "rb") as file:
        for line in file:
            while True:
                try:
                    producer.produce(
                        given.topic, line.rstrip(b"\n"), b"x:%d" % rows, on_delivery=on_delivery
                    )
                except BufferError:
                    producer.poll(_FULL_SECONDS)
                    continue
                break
            rows += 1
    producer.flush()
    if failed:
        message = f"{len(failed)} records were not delivered: {failed[0]}"
        raise SystemExit(message)
    print(json.dumps({"rows": rows, "seconds": time.monotonic() - started}))


if __name__ == "__main__":
    main()
