"""Object storage in a directory or in S3: `base` is the interface, `open` the factory, `blobs` content addressing."""
