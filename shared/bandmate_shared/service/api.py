"""One service's HTTP API, with the threads that send queued messages and sweep expired leases. May run replicated."""

from contextlib import closing

from bandmate_shared.http.app import create_app
from bandmate_shared.http.serve import serve
from bandmate_shared.jobs.sweeper import Sweeper
from bandmate_shared.observability.logs import configure_logging
from bandmate_shared.runtime import open_runtime
from bandmate_shared.service.health import announce_api
from bandmate_shared.service.service_modules import service_module, service_name, service_settings


def run_api() -> None:
    """Serve until SIGTERM.

    The service's `api.py` gives its routes by `routers(runtime)`. If it has a `prepare(runtime)`, that is called first;
    every replica calls it at every start.

    Raises:
        NoSuchService, InsecureConfiguration: before the port is opened.
    """
    service = service_name()
    settings = service_settings(service)
    configure_logging(settings, f"{service}-api")
    module = service_module(service, "api")
    with closing(open_runtime(settings)) as runtime:
        app = create_app(runtime, f"Bandmate {service}", module.routers(runtime))
        if hasattr(module, "prepare"):
            module.prepare(runtime)
        sweeper = Sweeper(runtime.store, runtime.relay, settings.sweep_seconds)
        runtime.relay.start()
        sweeper.start()
        announce_api(settings.host, settings.port)
        try:
            serve(app, settings, settings.host, settings.port)
        finally:
            sweeper.stop()
