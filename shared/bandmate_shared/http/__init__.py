"""The HTTP surface that every service shares. Read app.py first, then job_routes.py."""
