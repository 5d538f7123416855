"""QR codes as SVG, drawn here so that nothing leaves the server."""

import io

import segno


def qr_svg(content: str) -> str:
    """Draw a QR code with its quiet zone."""
    target = io.BytesIO()
    segno.make(content, error="m", micro=False).save(
        target, kind="svg", xmldecl=False, svgns=True, border=2, omitsize=True
    )
    return target.getvalue().decode()
