"""Colour contrast for the brand colour (WCAG 2.2, criterion 1.4.3)."""

Colour = tuple[int, int, int]
WHITE, INK = (255, 255, 255), (17, 20, 26)
LIGHT_BACKGROUND, DARK_BACKGROUND = (238, 240, 244), (35, 40, 51)
MIN_CONTRAST = 4.6


def parse_hex(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def format_hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def relative_luminance(colour: Colour) -> float:
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast_ratio(one: Colour, other: Colour) -> float:
    high, low = sorted((relative_luminance(one), relative_luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def ensure_contrast(colour: Colour, background: Colour) -> Colour:
    """Return the colour, darkened or lightened in the smallest steps that reach MIN_CONTRAST on the background."""
    towards = WHITE if relative_luminance(background) < 0.18 else (0, 0, 0)
    steps = [tuple(round(c + (t - c) * step / 20) for c, t in zip(colour, towards, strict=True)) for step in range(21)]
    return next((step for step in steps if contrast_ratio(step, background) >= MIN_CONTRAST), towards)  # type: ignore[arg-type,return-value]


def pick_text_colour(background: Colour) -> Colour:
    """Return the text colour with the higher contrast, white or ink."""
    return max((WHITE, INK), key=lambda candidate: contrast_ratio(candidate, background))
