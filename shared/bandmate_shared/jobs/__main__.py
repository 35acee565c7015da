"""The operator's command for jobs where there is no `bandmate` command: in the containers.

    python -m bandmate_shared.jobs backlog                     how many jobs wait in each queue
    python -m bandmate_shared.jobs list [--state STATE]        the newest jobs
    python -m bandmate_shared.jobs show ID                     one job with its history
    python -m bandmate_shared.jobs cancel ID
    python -m bandmate_shared.jobs dead-letters [--queue Q]    what was given up, and why
    python -m bandmate_shared.jobs webhooks [--given-up]       reports of ended jobs that no receiver has confirmed
    python -m bandmate_shared.jobs redrive ID                  try it again: a job's id, a dead letter's or a webhook's
    python -m bandmate_shared.jobs resend                      send everything that waits again, after a broker was lost
    python -m bandmate_shared.jobs prune --older-than 90d      drop old progress events and webhooks given up

Answers are JSON, one object a line. `migrate` and `recover` are modules of their own beside this one.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.errors import BandmateError
from bandmate_shared.jobs.model import Job
from bandmate_shared.jobs.prune import days, prune, prune_webhooks
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings, shared_settings


def main(arguments: list[str], settings: SharedSettings | None = None) -> int:
    """Returns the exit status. The settings are the process's own unless others are given."""
    options = _parser().parse_args(arguments)
    try:
        store = JobStore.open(settings or shared_settings())
        try:
            for line in _answer(store, options):
                sys.stdout.write(json.dumps(line, default=_plain) + "\n")
        finally:
            store.close()
    except BandmateError as error:
        sys.stderr.write(f"{error.title}: {error.detail}\n")
        return 1
    return 0


def _answer(store: JobStore, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    match options.command:
        case "backlog":
            yield dict(store.backlog())
        case "list":
            page, _ = store.list_jobs(None, state=options.state, limit=options.limit)
            yield from map(_brief, page)
        case "show":
            job = store.get(options.id)
            yield {name: value for name, value in asdict(job).items() if name != "saved"}
            for event in store.events(job.id, limit=100_000):
                yield event.model_dump(mode="json")
        case "cancel":
            yield _brief(store.cancel(options.id))
        case "dead-letters":
            yield from map(asdict, store.dead_letters(options.queue, options.limit))
        case "webhooks":
            yield from map(asdict, store.webhooks(given_up=True if options.given_up else None, limit=options.limit))
        case "redrive" if options.id.startswith("msg_"):
            yield asdict(store.redrive_webhook(options.id))
        case "redrive":
            yield _brief(store.redrive(options.id))
        case "resend":
            yield {"due": store.resend_all()}
        case "prune":
            age = days(options.older_than)
            events_deleted, webhooks_deleted = prune(store.database, age), prune_webhooks(store.database, age)
            yield {"events_deleted": events_deleted, "webhooks_deleted": webhooks_deleted}


def _brief(job: Job) -> dict[str, Any]:
    names = ("id", "tenant", "kind", "state", "stage", "attempt", "worker", "created_at", "finished_at", "error")
    return {name: getattr(job, name) for name in names}


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return str(value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bandmate_shared.jobs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("backlog", "resend"):
        commands.add_parser(name)
    for name in ("show", "cancel", "redrive"):
        commands.add_parser(name).add_argument("id")
    listing = commands.add_parser("list")
    listing.add_argument("--state", choices=[state.value for state in JobState])
    letters = commands.add_parser("dead-letters")
    letters.add_argument("--queue")
    unconfirmed = commands.add_parser("webhooks")
    unconfirmed.add_argument("--given-up", action="store_true")
    for command in (listing, letters, unconfirmed):
        command.add_argument("--limit", type=int, default=100)
    commands.add_parser("prune").add_argument("--older-than", required=True, metavar="90d")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
