"""Tables, and the pool of connections."""

from sqlalchemy import Boolean, Column, CursorResult, DateTime, Integer, MetaData, Table, Text, Uuid, text
from sqlalchemy.ext.asyncio import create_async_engine

from . import settings

# For transactions of several statements: `async with engine.begin()`.
engine = create_async_engine(
    settings.DATABASE_URL,
    pool_size=settings.DATABASE_CONNECTIONS,
    max_overflow=0,
    skip_autocommit_rollback=True,
)

# The same pool for single statements: `async with single.connect()` sends no BEGIN and no COMMIT.
single = engine.execution_options(isolation_level="AUTOCOMMIT")

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("email", Text),
    Column("username", Text),
    Column("password_hash", Text),
    Column("is_active", Boolean),
    Column("created_at", DateTime(timezone=True)),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("user_id", Uuid),
    Column("title", Text),
    Column("is_archived", Boolean),
    Column("created_at", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True)),
    Column("message_count", Integer),
    Column("next_seq", Integer),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("conversation_id", Uuid),
    Column("seq", Integer),
    Column("role", Text),
    Column("content", Text),
    Column("created_at", DateTime(timezone=True)),
)


def as_dicts(result: CursorResult) -> list[dict]:
    """Rows of a list: pydantic takes a dictionary in half the time that it takes a row's attributes one by one."""
    keys = tuple(result.keys())
    return [dict(zip(keys, row)) for row in result]
