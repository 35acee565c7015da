"""The options that choose the singer, the same for every command that sings."""

from typing import Annotated

import typer
from bandmate_shared.contracts.vocals import Ensemble

_VOICE = "The singer; `bandmate voices` lists them."

VoiceOption = Annotated[str | None, typer.Option(help=_VOICE)]
VoicesOption = Annotated[str | None, typer.Option(help=f"{_VOICE} Several, with commas, sing in turn: 'alto,tenor'.")]
LanguageOption = Annotated[
    str | None, typer.Option(help="Of the words: 'de', 'de-AT', 'German'. [default: found by the words]")
]
EngineOption = Annotated[
    str | None, typer.Option(help="The source of the voice. [default: the best that is installed]")
]
EnsembleOption = Annotated[
    Ensemble | None,
    typer.Option(
        help="Who sings with the voice: double, itself twice; thirds, sixths, a second voice below; choir, six others. "
        "[default: solo, nobody]"
    ),
]
