"""Arguments that several calendar tools take."""

from typing import Annotated

from pydantic import Field

Local = Annotated[str, Field(max_length=40)]
"""A time as a model writes it: local, RFC 3339, or a day."""

Zone = Annotated[str, Field(max_length=64)]
"""An IANA or Windows time zone; empty for the mailbox's."""

Address = Annotated[str, Field(max_length=400)]
"""Somebody as `Adele Vance <adele@contoso.com>` or by address alone."""

EventId = Annotated[str, Field(max_length=512)]
"""The id of an event, as a row of calendar_view has it."""

Comment = Annotated[str, Field(max_length=2000)]
"""Plain text that goes out with an answer or a cancellation."""
