"""What runs in a container: `python -m bandmate_shared.service api|worker|intake|migrate|provision|healthcheck`.

One entry point for every image; BANDMATE_SERVICE says whose code it runs. `bandmate up` starts the same parts on one
machine in its own way.
"""
