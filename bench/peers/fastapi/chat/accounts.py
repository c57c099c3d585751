"""/auth"""

from fastapi import APIRouter, HTTPException
from sqlalchemy import Row, bindparam, func, insert, select
from sqlalchemy.exc import IntegrityError

from . import models
from .database import single, users
from .security import CurrentUser, hash_password, make_token, password_matches

router = APIRouter(prefix="/auth", tags=["accounts"])

_INSERT = insert(users).returning(users.c["id", "email", "username", "is_active", "created_at"])
_BY_EMAIL = select(users.c["id", "password_hash", "is_active"]).where(
    func.lower(users.c.email) == func.lower(bindparam("email"))
)
_TAKEN = {"users_email_key": "Email already registered", "users_username_key": "Username already taken"}


@router.post("/register", status_code=201, response_model=models.User)
async def register(body: models.Registration) -> Row:
    values = {
        "email": body.email,
        "username": body.username,
        "password_hash": await hash_password(body.password),
    }
    try:
        async with single.connect() as connection:
            return (await connection.execute(_INSERT, values)).one()
    except IntegrityError as error:
        raise HTTPException(400, _TAKEN[error.orig.diag.constraint_name]) from None


@router.post("/login", response_model=models.Token)
async def login(body: models.Credentials) -> models.Token:
    # No connection is held while the password is hashed.
    async with single.connect() as connection:
        user = (await connection.execute(_BY_EMAIL, {"email": body.email})).one_or_none()
    if not await password_matches(body.password, user and user.password_hash):
        raise HTTPException(401, "Incorrect email or password", headers={"WWW-Authenticate": "Bearer"})
    if not user.is_active:
        raise HTTPException(403, "User is inactive")
    return models.Token(access_token=make_token(user.id))


@router.get("/me", response_model=models.User)
async def me(user: CurrentUser) -> Row:
    return user
