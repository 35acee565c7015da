"""Request a song when a schedule is due. EventBridge Scheduler calls this with

    {"schedule_arn": "<aws.scheduler.schedule-arn>", "scheduled_time": "<aws.scheduler.scheduled-time>",
     "request": {"style": "folk", "bars": 16}}

and puts the two facts in the place of the words in angle brackets. It may call twice for one turn, and both calls say
the same time: that is the song's idempotency key.
"""

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from bandmate_shared.errors import BandmateError, InvalidRequest
from bandmate_shared.intake.incoming import FIELDS

from bandmate_lambda.submissions import idempotency_key, refuse, submit

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

log = Logger(service="bandmate-schedule")


@log.inject_lambda_context
def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:  # noqa: ARG001
    """Raises botocore's errors where SQS does not answer; Scheduler calls again then."""
    try:
        key = idempotency_key("schedule", _filled_in(event, "schedule_arn"), _filled_in(event, "scheduled_time"))
        message_id = submit(_request(event), key)
    except BandmateError as error:
        log.warning("refused", reason=error.detail)
        refuse(error, event)
        return {"submitted": 0}
    log.info("submitted", message_id=message_id, idempotency_key=key)
    return {"submitted": 1}


def _filled_in(event: dict[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidRequest(f"the schedule's input has no {name}")
    if value.startswith("<"):
        raise InvalidRequest(f"the schedule's input says {value} where Scheduler should have put the {name}")
    return value


def _request(event: dict[str, Any]) -> dict[str, Any]:
    request = event.get("request")
    if not isinstance(request, dict):
        raise InvalidRequest('the schedule\'s input has no request, such as {"style": "folk"}')
    unknown = sorted(set(request) - FIELDS)
    if unknown:
        raise InvalidRequest(
            f"the schedule's request names {', '.join(unknown)}; it may have {', '.join(sorted(FIELDS))}"
        )
    return request
