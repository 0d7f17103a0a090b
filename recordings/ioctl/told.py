"""A command that the firmware was asked, as a recording has it."""

from __future__ import annotations

from typing import Any

from softsnp.serve.firmware import Request

from .user import short


def told(request: Request, status: int) -> dict[str, Any]:
    said: dict[str, Any] = {"command": request.command.name, "status": status}
    if request.data:
        said["data"] = short(request.data)
    if request.more:
        said["more"] = short(request.more)
    if request.lengths:
        said["lengths"] = list(request.lengths)
    return said
