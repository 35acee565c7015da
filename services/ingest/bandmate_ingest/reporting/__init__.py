"""The report of a dataset, as JSON and as a page."""
