"""Webhooks: ends of jobs, posted to the tenants' receivers. Read delivery.py first; jobs/webhooks.py is the outbox."""
