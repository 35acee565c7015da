"""The command line. `healthcheck` runs every few seconds, so nothing is imported before it is needed."""

import sys

USAGE = "usage: python -m bandmate_shared.service api | worker | intake | migrate | provision | healthcheck\n"


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    if arguments == ["healthcheck"]:
        from bandmate_shared.service.health import check

        return check()
    if len(arguments) != 1 or arguments[0] not in ("api", "worker", "intake", "migrate", "provision"):
        sys.stderr.write(USAGE)
        return 2
    return _run(arguments[0])


def _run(command: str) -> int:
    from pydantic import ValidationError

    from bandmate_shared.errors import BandmateError

    try:
        match command:
            case "api":
                from bandmate_shared.service.api import run_api

                run_api()
            case "worker":
                from bandmate_shared.service.worker import run_worker

                run_worker()
            case "intake":
                from bandmate_shared.service.intake import run_intake

                run_intake()
            case "migrate":
                from bandmate_shared.service.prepare import migrate

                migrate()
            case "provision":
                from bandmate_shared.service.prepare import provision

                provision()
    except BandmateError as error:
        sys.stderr.write(f"{error.title}: {error.detail}\n")
        return 1
    except ValidationError as error:
        from bandmate_shared.faults import faults_of

        for fault in faults_of(error, values=False):
            sys.stderr.write(f"This setting is not valid: {fault}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
