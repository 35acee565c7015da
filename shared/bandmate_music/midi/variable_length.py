"""Variable-length quantities of MIDI: seven bits a byte, the last one below 128."""


def quantity(value: int) -> bytes:
    """A value as a variable-length quantity."""
    groups = [value & 127]
    while value := value >> 7:
        groups.append(value & 127 | 128)
    return bytes(reversed(groups))


def read_quantity(data: bytes, position: int, end: int) -> tuple[int, int]:
    """A quantity of at most four bytes, and the position after it; -1 where it does not end before `end`."""
    value = 0
    for at in range(position, min(position + 4, end)):
        byte = data[at]
        value = value << 7 | byte & 127
        if byte < 128:
            return value, at + 1
    return value, -1
