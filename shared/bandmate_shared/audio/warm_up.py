"""Import early what the first song would otherwise wait a second for."""

import importlib
import threading

_MODULES = ("scipy.fft", "scipy.ndimage", "scipy.signal", "pyloudnorm")


def warm_up_in_background(*more: str) -> threading.Thread:
    """Import the libraries that work with sound, and `more` modules, in a thread of the worker's."""

    def load() -> None:
        for name in (*_MODULES, *more):
            importlib.import_module(name)

    thread = threading.Thread(target=load, name="warm-up", daemon=True)
    thread.start()
    return thread
