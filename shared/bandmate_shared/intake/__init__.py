"""Song requests that arrive as queue messages or files instead of HTTP requests."""
