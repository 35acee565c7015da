"""The job's entry point, under Glue and elsewhere.

`--step clean` stops before the dataset, and `--step assemble` goes on from there without Spark: the one needs many
cores, the other much memory. Without it both happen here.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from bandmate_ingest.build import Built
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.settings import SharedSettings

from bandmate_glue.cleaning import Task
from bandmate_glue.dataset import build_dataset, clean_all

log = logging.getLogger(__name__)

NAMES = ("storage_url", "packs", "dataset", "tenant", "step")
OPTIONAL = {"tenant": "local", "step": "all"}
STEPS = ("all", "clean", "assemble")


def arguments(argv: Sequence[str]) -> dict[str, str]:
    """The job's arguments by name; arguments that Glue adds itself are ignored."""
    present = [name for name in NAMES if name not in OPTIONAL or any(word.startswith(f"--{name}") for word in argv)]
    try:
        from awsglue.utils import getResolvedOptions  # only on Glue
    except ImportError:
        parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
        for name in NAMES:
            parser.add_argument(f"--{name}", required=name not in OPTIONAL, default=OPTIONAL.get(name))
        return {name: value for name, value in vars(parser.parse_known_args(list(argv)[1:])[0]).items() if value}
    return {**OPTIONAL, **{name: str(value) for name, value in getResolvedOptions(list(argv), present).items()}}


def main() -> None:
    """Clean and assemble the dataset, and log the result. Raises what `build_dataset` raises."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    options = arguments(sys.argv)
    if options["step"] not in STEPS:
        raise InvalidRequest(f"--step {options['step']} is none of {', '.join(STEPS)}")
    settings = SharedSettings()
    task = Task(
        options["storage_url"],
        options["tenant"],
        settings.file_limits,
        CleaningRules(),
        settings.parse_seconds,
        settings.parse_memory_bytes,
    )
    if options["step"] == "assemble":
        _log(build_dataset(None, options["packs"], options["dataset"], task))
        return
    # Without it Spark starts the first `python3` it finds, which may be another one than this.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession  # start-up time: pyspark

    spark = SparkSession.builder.appName(f"bandmate {options['dataset']}").getOrCreate()
    try:
        if options["step"] == "clean":
            log.info("packs %s: %d batches are cleaned", options["packs"], clean_all(spark, options["packs"], task))
        else:
            _log(build_dataset(spark, options["packs"], options["dataset"], task))
    finally:
        spark.stop()


def _log(built: Built) -> None:
    report = built.report
    log.info(
        "dataset %s version %s: %d files, %d pieces, %d cleaned for it, %.1f s",
        report.name,
        report.version,
        report.files,
        report.accepted,
        report.files_processed,
        report.seconds,
    )


if __name__ == "__main__":
    main()
