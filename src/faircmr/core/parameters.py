"""The base of every parameter model."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Parameters(BaseModel):
    """Frozen, and refuses names that it does not know.

    Every ``params:`` input of a node is a subclass, so that a misspelt or mistyped parameter ends
    the run before any work is done.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
