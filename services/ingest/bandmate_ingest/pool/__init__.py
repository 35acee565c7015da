"""Child processes that clean untrusted files, and the protocol between them and the parent."""
