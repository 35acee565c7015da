"""Songs in a notebook: `from bandmate_local.notebook import Song`. Read song.py first."""

from bandmate_local.notebook.song import Song as Song
