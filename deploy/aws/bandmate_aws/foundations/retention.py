"""How long logs are kept, and what happens to data when a stack goes."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs

from bandmate_aws.sizes import Size

_DAYS = {
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


def retention(days: int) -> logs.RetentionDays:
    """CloudWatch keeps logs for certain numbers of days only. Raises ValueError for another."""
    if days not in _DAYS:
        raise ValueError(f"logs can be kept for {sorted(_DAYS)} days, not {days}")
    return _DAYS[days]


def removal(size: Size) -> RemovalPolicy:
    """Songs, models and jobs are kept when the stack is deleted, unless the size says otherwise."""
    return RemovalPolicy.RETAIN if size.keep_data else RemovalPolicy.DESTROY
