"""`python -m bandmate_shared.service COMMAND`, the entry point of every image."""

import sys

from bandmate_shared.service.health import check

COMMANDS = ("api", "worker", "intake", "webhooks", "migrate", "provision")


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    if arguments == ["healthcheck"]:
        return check()
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        sys.stderr.write(f"usage: python -m bandmate_shared.service {' | '.join(COMMANDS)} | healthcheck\n")
        return 2
    from bandmate_shared.service.commands import run  # start-up time: the health check starts every few seconds

    return run(arguments[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
