"""Colours that can be read (WCAG 2.2, 1.4.3): of the brand on a page, of a word on the brand."""

Colour = tuple[int, int, int]
WHITE, INK = (255, 255, 255), (17, 20, 26)
LIGHT_GROUND, DARK_GROUND = (238, 240, 244), (35, 40, 51)
READABLE = 4.6


def parsed(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def written(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def luminance(colour: Colour) -> float:
    """WCAG's relative luminance."""
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable(colour: Colour, ground: Colour) -> Colour:
    """The colour, or the nearest to it on its way to black or white that can be read on this ground."""
    towards = WHITE if luminance(ground) < 0.18 else (0, 0, 0)
    steps = [tuple(round(c + (t - c) * step / 20) for c, t in zip(colour, towards, strict=True)) for step in range(21)]
    return next((step for step in steps if contrast(step, ground) >= READABLE), towards)  # type: ignore[arg-type,return-value]


def text_on(ground: Colour) -> Colour:
    """White or ink, whichever is easier to read there."""
    return max((WHITE, INK), key=lambda candidate: contrast(candidate, ground))
