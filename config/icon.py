"""The portal's icon as PNG, for home screens and browsers without SVG favicons.

The brand's colour is a setting, so the icon is drawn when it is asked for: a tick on a square, with the coordinates of
the SVG in config/brand.py. Home screens round the corners themselves.
"""

import math
import struct
import zlib
from functools import lru_cache
from itertools import pairwise

from integrations.colours import Colour

SIZE = 180  # pixels, Apple's
VIEW_BOX = 28.0
TICK = ((8.0, 14.5), (12.2, 18.7), (20.5, 10.0))
HALF_STROKE = 1.4
LEFT, RIGHT, TOP, BOTTOM = 6.5, 22.0, 8.5, 20.2  # of the tick, with its edge


@lru_cache(maxsize=2)
def draw_icon(background: Colour, foreground: Colour) -> bytes:
    """Return the PNG. It has a palette: index 0 is the background, 255 the tick, and its edges are between them."""
    lines = b"".join(
        b"\0" + bytes(_measure_coverage(column, line) for column in range(SIZE))  # 0: without a filter
        for line in range(SIZE)
    )
    palette = bytes(
        round(one + (other - one) * index / 255)
        for index in range(256)
        for one, other in zip(background, foreground, strict=True)
    )
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_build_chunk(kind, content) for kind, content in chunks)


def _measure_coverage(column: int, line: int) -> int:
    """Return how much of the pixel the tick covers, from 0 to 255."""
    scale = SIZE / VIEW_BOX
    x, y = (column + 0.5) / scale, (line + 0.5) / scale
    if not (LEFT < x < RIGHT and TOP < y < BOTTOM):
        return 0
    distance = min(_measure_distance(x, y, start, end) for start, end in pairwise(TICK))
    return round(255 * min(max((HALF_STROKE - distance) * scale + 0.5, 0), 1))


def _measure_distance(x: float, y: float, start: tuple[float, float], end: tuple[float, float]) -> float:
    """Return the distance of a point from a line segment."""
    width, height = end[0] - start[0], end[1] - start[1]
    along = ((x - start[0]) * width + (y - start[1]) * height) / (width**2 + height**2)
    share = min(max(along, 0), 1)
    return math.hypot(x - start[0] - share * width, y - start[1] - share * height)


def _build_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
