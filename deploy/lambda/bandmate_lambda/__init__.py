"""Lambda functions that turn what happens on AWS into messages on `bandmate-submissions`."""
