"""Times the services: ingest, queue, store, engines, a song, singing, start-up."""
