"""Celery over Redis and SQS: brokers, consumers, acknowledgement and graceful shutdown."""
