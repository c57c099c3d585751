"""/conversations, and the messages in them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query
from sqlalchemy import Row, and_, bindparam, delete, func, insert, literal_column, select, update

from . import models
from .database import as_dicts, conversations, engine, messages, single
from .security import CurrentUser

router = APIRouter(prefix="/conversations", tags=["conversations"])

Skip = Annotated[int, Query(ge=0, le=2**63 - 1)]
Limit = Annotated[int, Query(ge=0, le=1000)]

# Statements are made once: what is left for a request is a look-up of the compiled text.
_c, _m = conversations.c, messages.c
_CONVERSATION = _c["id", "title", "is_archived", "created_at", "updated_at", "message_count"]
_MESSAGE = _m["id", "conversation_id", "role", "content", "created_at"]
_OWN = and_(_c.id == bindparam("own_id"), _c.user_id == bindparam("owner_id"))

_INSERT = insert(conversations).returning(*_CONVERSATION)
_LIST = (
    select(*_CONVERSATION)
    .where(_c.user_id == bindparam("owner_id"))
    .order_by(_c.created_at.desc(), _c.id.desc())
    .offset(bindparam("skip"))
    .limit(bindparam("limit"))
)
_LIST_ARCHIVED = _LIST.where(_c.is_archived == bindparam("archived"))
_GET = select(*_CONVERSATION).where(_OWN)
_UPDATE = update(conversations).where(_OWN).returning(*_CONVERSATION)
_DELETE = delete(conversations).where(_OWN).returning(_c.id)

# The row's lock gives out the numbers, and the time is taken under it: neither ever runs backwards.
_NEXT = (
    update(conversations)
    .where(_OWN)
    .values(
        next_seq=_c.next_seq + 1,
        message_count=_c.message_count + 1,
        updated_at=func.greatest(_c.updated_at, func.clock_timestamp()),
    )
    .returning((_c.next_seq - 1).label("seq"), _c.updated_at)
)
_INSERT_MESSAGE = insert(messages).returning(*_MESSAGE)
_INSERT_FIRST_MESSAGE = insert(messages)
_EXISTS = select(literal_column("1")).select_from(conversations).where(_OWN)
_LIST_MESSAGES = (
    select(*_MESSAGE)
    .join(conversations, _c.id == _m.conversation_id)
    .where(_OWN)
    .order_by(_m.seq)
    .offset(bindparam("skip"))
    .limit(bindparam("limit"))
)


def _own(conversation_id: UUID, user: Row) -> dict[str, UUID]:
    return {"own_id": conversation_id, "owner_id": user.id}


def _found(row: Row | None) -> Row:
    if row is None:
        raise HTTPException(404, "Conversation not found")
    return row


@router.post("", status_code=201, response_model=models.Conversation)
async def create_conversation(user: CurrentUser, body: models.NewConversation) -> Row:
    values = {"user_id": user.id, "title": body.title}
    if not body.first_message:
        async with single.connect() as connection:
            return (await connection.execute(_INSERT, values)).one()
    async with engine.begin() as connection:
        values |= {"message_count": 1, "next_seq": 2}
        row = (await connection.execute(_INSERT, values)).one()
        message = {"conversation_id": row.id, "seq": 1, "role": "user", "content": body.first_message}
        await connection.execute(_INSERT_FIRST_MESSAGE, message)
        return row


@router.get("", response_model=list[models.Conversation])
async def list_conversations(
    user: CurrentUser, skip: Skip = 0, limit: Limit = 10, archived: bool | None = None
) -> list[dict]:
    values = {"owner_id": user.id, "skip": skip, "limit": limit}
    statement = _LIST
    if archived is not None:
        statement = _LIST_ARCHIVED
        values["archived"] = archived
    async with single.connect() as connection:
        return as_dicts(await connection.execute(statement, values))


@router.get("/{conversation_id}", response_model=models.Conversation)
async def get_conversation(user: CurrentUser, conversation_id: UUID) -> Row:
    async with single.connect() as connection:
        return _found((await connection.execute(_GET, _own(conversation_id, user))).one_or_none())


@router.patch("/{conversation_id}", response_model=models.Conversation)
async def change_conversation(user: CurrentUser, conversation_id: UUID, body: models.ConversationChange) -> Row:
    changes = body.model_dump(exclude_none=True)
    statement = _UPDATE.values(**changes, updated_at=func.clock_timestamp()) if changes else _GET
    async with single.connect() as connection:
        return _found((await connection.execute(statement, _own(conversation_id, user))).one_or_none())


@router.delete("/{conversation_id}", status_code=204)
async def delete_conversation(user: CurrentUser, conversation_id: UUID) -> None:
    async with single.connect() as connection:
        _found((await connection.execute(_DELETE, _own(conversation_id, user))).one_or_none())


@router.post("/{conversation_id}/messages", status_code=201, response_model=models.Message)
async def create_message(user: CurrentUser, conversation_id: UUID, body: models.NewMessage) -> Row:
    async with engine.begin() as connection:
        place = _found((await connection.execute(_NEXT, _own(conversation_id, user))).one_or_none())
        message = {
            "conversation_id": conversation_id,
            "seq": place.seq,
            "role": body.role,
            "content": body.content,
            "created_at": place.updated_at,
        }
        return (await connection.execute(_INSERT_MESSAGE, message)).one()


@router.get("/{conversation_id}/messages", response_model=list[models.Message])
async def list_messages(user: CurrentUser, conversation_id: UUID, skip: Skip = 0, limit: Limit = 50) -> list[dict]:
    own = _own(conversation_id, user)
    async with single.connect() as connection:
        rows = as_dicts(await connection.execute(_LIST_MESSAGES, own | {"skip": skip, "limit": limit}))
        if not rows:
            _found((await connection.execute(_EXISTS, own)).one_or_none())
    return rows
