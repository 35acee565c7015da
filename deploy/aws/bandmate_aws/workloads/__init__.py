"""SageMaker, Glue, Lambda triggers, and the dashboard."""
