"""Examples for the description of the API, by the operation's name."""

from typing import Any

_SONG_ID = "song_01k9x3v7q2m8d4s6f0hjw5n1ab"
_AT = "2026-12-01T09:30:00Z"

_SONG_REQUEST = {"style": "folk", "key": "D", "bars": 8, "lyrics": "The river runs beneath the moon"}
_SONG = {
    "id": _SONG_ID,
    "kind": "song",
    "state": "queued",
    "created_at": _AT,
    "request": _SONG_REQUEST,
    "links": {"self": f"/v1/songs/{_SONG_ID}", "events": f"/v1/songs/{_SONG_ID}/events"},
}
_UPLOAD_ID = "6b9f0c1d2e3f4a5b8c7d6e5f4a3b2c1d"

REQUEST_EXAMPLES: dict[str, Any] = {
    "songs_submit": _SONG_REQUEST,
    "songs_change": {"title": "River song", "favourite": True},
    "songs_interpret_sentence": {"text": "a slow sad waltz in D minor with strings, about rain"},
    "vocals_submit": {
        "notes": [{"onset": 0.0, "duration": 0.5, "pitch": 62, "syllable": "moon", "line_end": True}],
        "seconds": 2.0,
    },
    "datasets_submit": {"name": "my-songs", "sources": [f"upload:{_UPLOAD_ID}"]},
    "trainings_submit": {"dataset": "my-songs"},
    "uploads_create": {"filename": "tunes.zip", "size": 48213},
    "models_promote_model": {"alias": "production"},
    "models_rollback": {"alias": "production"},
    "session_log_in": {"key": "bm_live_0123456789abcdef_…"},
}

WEBHOOK_EXAMPLE: dict[str, Any] = {
    "type": "job.succeeded",
    "timestamp": _AT,
    "data": {
        "id": _SONG_ID,
        "kind": "song",
        "state": "succeeded",
        "title": "River song",
        "created_at": _AT,
        "started_at": _AT,
        "finished_at": _AT,
        "artifacts": [{"name": "song.wav", "sha256": "9f" * 32, "size": 5292044, "media_type": "audio/wav"}],
        "links": {"self": f"/v1/songs/{_SONG_ID}"},
    },
}

RESPONSE_EXAMPLES: dict[str, Any] = {
    "songs_submit": _SONG,
    "songs_show": {**_SONG, "state": "running", "stage": "render", "fraction": 0.5},
    "songs_list": {"items": [_SONG], "next": None},
    "songs_versions": {"items": [_SONG], "deleted": []},
    "events_events": {
        "job_id": _SONG_ID,
        "seq": 4,
        "type": "progress",
        "time": _AT,
        "data": {"stage": "render", "fraction": 0.5},
        "kind": "song",
        "root_id": _SONG_ID,
    },
    "session_show": {"tenant": "local"},
}
