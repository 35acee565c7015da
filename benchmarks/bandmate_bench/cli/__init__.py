"""`bandmate benchmark`: what the platform and its models can do, measured."""
