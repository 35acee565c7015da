"""Judging a model as a listener would: real music and its own, side by side, through the doors that users take."""
