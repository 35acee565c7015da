"""Any JSON body is answered with an accepted job or a problem detail, never with a 500."""

from typing import Any

from bandmate_shared.contracts.jobs import JobView
from bandmate_shared.contracts.problems import Problem
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

FIELDS = ("style", "key", "bars", "tempo", "metre", "seed", "lyrics", "voice", "prompt", "takes", "model", "other")
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(["folk", "D", "3/4"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
BODIES = st.one_of(VALUES, st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4))


@given(body=BODIES, key=st.text(max_size=5))
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None, derandomize=True
)
def test_any_json_is_accepted_or_explained(client: TestClient, body: Any, key: str) -> None:
    import json

    headers = {"Content-Type": "application/json", "Idempotency-Key": key.encode()}
    answer = client.post("/v1/songs", content=json.dumps(body), headers=headers)
    if answer.status_code == 202:
        JobView.model_validate_json(answer.content)
    else:
        assert answer.status_code in (400, 409, 422), answer.text
        assert Problem.model_validate_json(answer.content).detail
