"""The `bandmate` command line: one file a command, a thin client of the HTTP API."""
