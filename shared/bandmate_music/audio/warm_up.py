"""Imports slow audio libraries in the background, so that the first song does not wait for them."""

import importlib
import threading

_MODULES = ("scipy.fft", "scipy.ndimage", "scipy.signal")


def warm_up_in_background(*more: str) -> threading.Thread:
    """Import the libraries that work with sound, and `more` modules, in a thread of the worker's."""

    def load() -> None:
        for name in (*_MODULES, *more):
            importlib.import_module(name)

    thread = threading.Thread(target=load, name="warm-up", daemon=True)
    thread.start()
    return thread
