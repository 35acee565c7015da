"""SVOX Pico, by the `py-nanotts` wheel, in a process of its own."""
