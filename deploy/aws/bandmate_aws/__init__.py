"""The CDK app's stacks, one file each; `app.py` beside this package puts them together."""
