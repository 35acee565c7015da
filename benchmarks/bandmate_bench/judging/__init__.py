"""Judge a model through the public interfaces: generated music compared with real music."""
