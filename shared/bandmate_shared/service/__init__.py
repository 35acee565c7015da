"""The processes of a container: `python -m bandmate_shared.service api|worker|intake|migrate|provision|healthcheck`.

BANDMATE_SERVICE names the service whose code runs. `bandmate up` starts the same parts on one machine.
"""
