"""The picture of a KHQR code."""

from io import BytesIO

import segno

SVG_MEDIA_TYPE = "image/svg+xml"
# Modules of white around a code, which scanners need (ISO/IEC 18004).
QUIET_ZONE_MODULES = 4


def draw_code(text: str) -> str:
    """The code as SVG, black on white whatever the theme of the page is; it scales to any size."""
    drawn = BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(
        drawn,
        kind="svg",
        border=QUIET_ZONE_MODULES,
        dark="#000",
        light="#fff",
        xmldecl=False,
        omitsize=True,
        nl=False,
    )
    return drawn.getvalue().decode()
