"""Bodies of requests and answers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, EmailStr, Field, StringConstraints


class Registration(BaseModel):
    email: Annotated[EmailStr, StringConstraints(max_length=100)]
    username: Annotated[str, Field(min_length=3, max_length=50)]
    password: Annotated[str, Field(min_length=6, max_length=65536)]


class Credentials(BaseModel):
    email: str
    password: str


class NewConversation(BaseModel):
    title: Annotated[str, Field(min_length=1, max_length=200)]
    first_message: Annotated[str | None, Field(max_length=8 * 1024 * 1024)] = None


class ConversationChange(BaseModel):
    title: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    is_archived: bool | None = None


class NewMessage(BaseModel):
    role: Annotated[str, Field(pattern="^(user|assistant|system)$")]
    content: Annotated[str, Field(min_length=1, max_length=8 * 1024 * 1024)]


class FromRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class User(FromRow):
    id: UUID
    email: str
    username: str
    is_active: bool
    created_at: datetime


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"


class Conversation(FromRow):
    id: UUID
    title: str
    is_archived: bool
    created_at: datetime
    updated_at: datetime
    message_count: int


class Message(FromRow):
    id: UUID
    conversation_id: UUID
    role: str
    content: str
    created_at: datetime


class Health(BaseModel):
    status: str = "ok"
