"""Client of a model on Amazon Bedrock, by the Converse API, which is the same for all its models."""

from bandmate_shared.aws import aws_client
from bandmate_shared.errors import Unavailable
from botocore.exceptions import BotoCoreError, ClientError

from bandmate_generate.lyrics_writing.base import MAX_ANSWER_TOKENS, TEMPERATURE, Instructions, WordsFailed
from bandmate_generate.settings import GenerateSettings

_TEMPORARY = frozenset(
    """ThrottlingException ServiceUnavailableException InternalServerException ModelNotReadyException
    ModelTimeoutException""".split()  # noqa: SIM905 - a list of one a line is longer
)


class BedrockWriter:
    """Asks `settings.words_bedrock_model`."""

    def __init__(self, settings: GenerateSettings) -> None:
        self._model = settings.words_bedrock_model
        self._client = aws_client("bedrock-runtime", read_seconds=settings.words_seconds)

    def write(self, instructions: Instructions) -> str:
        try:
            answer = self._client.converse(
                modelId=self._model,
                system=[{"text": instructions.system}],
                messages=[{"role": "user", "content": [{"text": instructions.request}]}],
                inferenceConfig={"maxTokens": MAX_ANSWER_TOKENS, "temperature": TEMPERATURE},
            )
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
            detail = f"Bedrock's {self._model} wrote no words: {code}: {message}"
            raise (Unavailable(detail) if code in _TEMPORARY else WordsFailed(detail)) from error
        except BotoCoreError as error:
            raise Unavailable(f"Bedrock did not answer: {error}") from error
        blocks = answer.get("output", {}).get("message", {}).get("content", [])
        text = "\n".join(str(block["text"]) for block in blocks if "text" in block)
        if not text:
            raise WordsFailed(f"Bedrock's {self._model} answered no text")
        return text
