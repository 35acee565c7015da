"""What every Bandmate service needs, and nothing more."""

__version__ = "0.1.0"
