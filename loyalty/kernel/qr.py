"""QR codes as SVG and PNG, drawn here so that nothing leaves the server."""

import io

import segno


def qr_svg(content: str, *, scale: int | None = None) -> str:
    """Draw a QR code with its quiet zone: each module ``scale`` pixels wide, or as large as its place when None."""
    size = {"omitsize": True} if scale is None else {"scale": scale}
    target = io.BytesIO()
    segno.make(content, error="m", micro=False).save(target, kind="svg", xmldecl=False, svgns=True, border=2, **size)
    return target.getvalue().decode()


def qr_png(content: str, *, scale: int) -> bytes:
    """Draw a QR code with its quiet zone as pixels, each module ``scale`` of them wide."""
    target = io.BytesIO()
    segno.make(content, error="m", micro=False).save(target, kind="png", border=2, scale=scale)
    return target.getvalue()
