"""Workspaces as cvi42 writes them, put together by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

NAMESPACES = (
    'xmlns:Hash="http://www.circlecvi.com/cvi42/Workspace/Hash/" '
    'xmlns:List="http://www.circlecvi.com/cvi42/Workspace/List/" '
    'xmlns:Point="http://www.circlecvi.com/cvi42/Workspace/Point/"'
)
OBSERVER = "Dr Jane Doe"
Points = Sequence[tuple[int, int]]


def ellipse(center: tuple[float, float], semi_axes: tuple[float, float], points: int = 400) -> np.ndarray:
    """An ellipse on cvi42's grid, four times as fine as the image: whole numbers, shape (points, 2), x first."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    outline = np.stack([np.cos(angle), np.sin(angle)], axis=1) * semi_axes + center
    return np.rint(4 * outline).astype(int)


def item(key: str, content: object) -> str:
    return f'<Hash:item Hash:key="{key}" Hash:type="any">{content}</Hash:item>'


def contour(name: str, points: Points, resolution: object = 4) -> str:
    listed = "".join(f"<List:item><Point:x>{x}</Point:x><Point:y>{y}</Point:y></List:item>" for x, y in points)
    before = "<List:item><Point:x>7</Point:x><Point:y>7</Point:y></List:item>"
    parts = (item("ImageSize", "70 90"), item("Points", listed), item("PointsBeforeRotation", before))
    return item(name, "".join(parts) + item("SubpixelResolution", resolution) + item("Label", ""))


def image(uid: str, *contours: str) -> str:
    return item(uid, item("Zoom", "1.5") + item("Contours", "".join(contours)))


def workspace(*images: str) -> bytes:
    study = f"<List:item>{item('StudyUid', '1.2.3')}{item('ImageStates', ''.join(images))}</List:item>"
    content = item("OwnerUserName", OBSERVER) + item("StudyMapStates", study)
    return f'<?xml version="1.0" encoding="UTF-8"?><Workspace {NAMESPACES}>{content}</Workspace>'.encode()


def drawn(contours: Mapping[str, Mapping[str, Points]]) -> bytes:
    """A workspace with these contours: points by name by UID of the image."""
    return workspace(
        *(image(uid, *(contour(name, points) for name, points in named.items())) for uid, named in contours.items())
    )
