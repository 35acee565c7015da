"""The `bandmate` command line: one file a command, thin over the HTTP API, so that it can do what any program can."""
