"""The subcommands of `bandmate benchmark`, a file each."""

import typer

from bandmate_local.cli.benchmark import controls, music, poly, song, speed, tokeniser, trust

app = typer.Typer(help="Measure the platform and its models, beside published marks.", no_args_is_help=True)
app.command("song")(song.song)
app.command("music")(music.music)
app.command("tokeniser")(tokeniser.tokeniser)
app.command("controls")(controls.controls)
app.command("trust")(trust.trust)
app.command("speed")(speed.speed)
app.command("poly")(poly.poly)
