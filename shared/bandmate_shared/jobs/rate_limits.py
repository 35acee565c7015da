"""One rate for the calls of all workers to a service: a token bucket in the database.

Kept as the time at which the bucket will be full again (the generic cell rate algorithm), so a reservation is one
statement and workers need not agree on anything but the database. Their clocks may differ by a fraction of a second;
so may the rate, then.
"""

from datetime import datetime

from sqlalchemy import Connection, case, insert, literal, select, update

from bandmate_shared.jobs.database.schema import rate_limits


def reserve(
    connection: Connection, now: datetime, service: str, per_second: float, burst: int, max_wait: float
) -> float | None:
    """Take one token, perhaps of the future; returns the seconds until it may be used, at most `max_wait`.

    None: it would take longer, and nothing was taken. A bucket that was not used for a while holds `burst` tokens.
    """
    at, step = now.timestamp(), 1.0 / per_second
    full_at = rate_limits.c.full_at
    if connection.scalar(select(full_at).where(rate_limits.c.service == service).with_for_update()) is None:
        missing = select(literal(service), literal(0.0)).where(
            ~select(full_at).where(rate_limits.c.service == service).exists()
        )
        connection.execute(insert(rate_limits).from_select(["service", "full_at"], missing))
    taken = (
        update(rate_limits)
        .where(rate_limits.c.service == service, full_at <= at + max_wait + (burst - 1) * step)
        .values(full_at=case((full_at > at, full_at), else_=at) + step)
        .returning(full_at)
    )
    full = connection.scalar(taken)
    return None if full is None else max(0.0, float(full) - burst * step - at)
