"""
`wordstreet ingest --engine spark` for spark-submit: what it is given goes on to the command line.

`make spark-bundle` puts this file, `wordstreet-deps.zip` and the jars of the Kafka source into
`dist/spark/`; from there, to a cluster of Spark's own kind:

    spark-submit --master spark://HOST:7077 \\
        --jars "$(echo jars/*.jar | tr ' ' ,)" \\
        --archives wordstreet-deps.zip#deps --conf spark.executorEnv.PYTHONPATH=deps \\
        ingest.py --home /var/lib/wordstreet \\
        --set log.kind=kafka --set log.servers=HOST:9092 --set lake.uri=s3://BUCKET/lake

and to EMR (Spark 4.1.1, the line of spark-8.1), all of the folder lying in a bucket:

    spark-submit --master yarn --deploy-mode cluster \\
        --jars s3://BUCKET/spark/jars/… --archives s3://BUCKET/spark/wordstreet-deps.zip#deps \\
        --conf spark.executorEnv.PYTHONPATH=deps --conf spark.yarn.appMasterEnv.PYTHONPATH=deps \\
        s3://BUCKET/spark/ingest.py --home wordstreet \\
        --set log.kind=kafka --set log.servers=BROKERS --set lake.uri=s3://BUCKET/lake

Python on every machine must be of the version and platform the bundle was made with; nothing need
be installed for it. Tried: a standalone master with two workers, client mode, a worker killed in
mid-batch (tests/oracle/test_spark_faults.py). Not tried: EMR, YARN, Kubernetes, cluster mode.
"""

import sys
import tempfile
import zipfile
from pathlib import Path


def main() -> int:
    """Find what wordstreet needs, unpacked by Spark or in the archive beside this file, and run it."""
    with tempfile.TemporaryDirectory(prefix="wordstreet-deps-") as folder:
        beside = Path(__file__).resolve().parent / "wordstreet-deps.zip"
        if Path("deps/wordstreet").is_dir():
            sys.path.insert(0, str(Path("deps").resolve()))
        elif beside.is_file():  # on the machine of the driver Spark unpacks nothing in client mode
            zipfile.ZipFile(beside).extractall(folder)
            sys.path.insert(0, folder)
        from wordstreet.cli import main as command_line

        return command_line(["ingest", "--engine", "spark", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
