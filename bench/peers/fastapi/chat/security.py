"""Passwords, tokens, and who the caller is."""

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import bcrypt
import jwt
from anyio import CapacityLimiter, to_thread
from fastapi import Depends, HTTPException
from fastapi.security import HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param
from sqlalchemy import Row, bindparam, select
from starlette.requests import HTTPConnection

from . import settings
from .database import single, users

# One hash at a time in each worker, so that logins do not take every processor from the event loops.
_hashing = CapacityLimiter(1)


def _shortened(password: str) -> bytes:
    """bcrypt takes 72 bytes at most: it gets a digest, so that every character counts."""
    return base64.b64encode(hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest())


def _hash(password: str) -> str:
    return bcrypt.hashpw(_shortened(password), bcrypt.gensalt(settings.BCRYPT_COST)).decode()


def _matches(password: str, password_hash: str) -> bool:
    return bcrypt.checkpw(_shortened(password), password_hash.encode())


# What an unknown address is checked against, so that it takes as long as a known one.
_NOBODYS_HASH = _hash(secrets.token_hex())


async def hash_password(password: str) -> str:
    return await to_thread.run_sync(_hash, password, limiter=_hashing)


async def password_matches(password: str, password_hash: str | None) -> bool:
    return await to_thread.run_sync(_matches, password, password_hash or _NOBODYS_HASH, limiter=_hashing)


def make_token(user_id: UUID) -> str:
    expires = datetime.now(UTC) + timedelta(minutes=settings.TOKEN_MINUTES)
    return jwt.encode({"sub": str(user_id), "exp": expires}, settings.SECRET_KEY, algorithm="HS256")


def _unauthorized(text: str) -> HTTPException:
    return HTTPException(401, text, headers={"WWW-Authenticate": "Bearer"})


class Bearer(HTTPBearer):
    async def __call__(self, request: HTTPConnection) -> UUID:
        authorization = request.headers.get("Authorization")
        scheme, token = get_authorization_scheme_param(authorization)
        if not authorization:
            raise _unauthorized("Not authenticated")
        if scheme.lower() != "bearer":
            raise _unauthorized("Invalid authentication credentials")
        try:
            claims = jwt.decode(
                token, settings.SECRET_KEY, algorithms=["HS256"], options={"require": ["exp", "sub"]}
            )
            return UUID(claims["sub"])
        except (jwt.InvalidTokenError, ValueError):
            raise _unauthorized("Invalid token") from None


_USER = select(users.c["id", "email", "username", "is_active", "created_at"]).where(users.c.id == bindparam("id"))


async def current_user(user_id: Annotated[UUID, Depends(Bearer())]) -> Row:
    async with single.connect() as connection:
        user = (await connection.execute(_USER, {"id": user_id})).one_or_none()
    if user is None:
        raise _unauthorized("User not found")
    if not user.is_active:
        raise HTTPException(403, "User is inactive")
    return user


CurrentUser = Annotated[Row, Depends(current_user)]
