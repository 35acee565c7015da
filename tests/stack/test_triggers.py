"""Triggers: a file in the volume of the watched folder."""

from tests.stack.stack import Stack, eventually

FOLDER = "/var/lib/bandmate/watch"


def test_a_file_in_the_watched_folder_becomes_a_song(stack: Stack) -> None:
    stack.compose("up", "-d", "--no-deps", "generate-watch")
    stack.execute("generate-watch", "sh", "-c", f"cat >{FOLDER}/words.txt", stdin="Row the boat, the river runs\n")

    def taken() -> bool:
        return "words.txt.job" in stack.execute("generate-watch", "sh", "-c", f"ls {FOLDER}/done 2>&1 || true")

    eventually(taken, "the file to be taken")
    job_id = stack.execute("generate-watch", "cat", f"{FOLDER}/done/words.txt.job").strip()
    job = stack.succeeded("songs", job_id)
    assert "vocals.wav" in [artifact["name"] for artifact in job["artifacts"]]
