"""The HTTP API that every service shares. Read app.py first, then job_routes.py."""
