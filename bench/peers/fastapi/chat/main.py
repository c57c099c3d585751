"""The application: `uvicorn chat.main:app`."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import accounts, conversations, models, settings
from .database import engine


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(
    title="Conversations",
    lifespan=lifespan,
    max_body_size=settings.MAX_BODY_BYTES,
    redirect_slashes=False,
    strict_content_type=False,
    telemetry={"tracing": False, "metrics": False, "logs": False},
)
app.include_router(accounts.router)
app.include_router(conversations.router)


@app.get("/health")
async def health() -> models.Health:
    return models.Health()


def _fault(error: dict) -> dict:
    """What a client is told: never a password, neither alone nor within the body that something else is missing from."""
    value = error["input"]
    if "password" in error["loc"]:
        value = None
    elif isinstance(value, dict):
        value = {key: part for key, part in value.items() if key != "password"}
    return {"type": error["type"], "loc": error["loc"], "msg": error["msg"], "input": value}


def _as_json(faults: list[dict]) -> str:
    # ASCII alone, since a client can send what is no character.
    return json.dumps({"detail": faults}, allow_nan=False)


@app.exception_handler(RequestValidationError)
async def invalid(_: Request, error: RequestValidationError) -> Response:
    faults = [_fault(fault) for fault in error.errors()]
    try:
        text = _as_json(faults)
    except (TypeError, ValueError, RecursionError):  # bytes, NaN, nested too deep
        text = _as_json([fault | {"input": None} for fault in faults])
    return Response(text, 422, media_type="application/json")


@app.exception_handler(DataError)  # NUL in a text
@app.exception_handler(UnicodeEncodeError)  # half of a surrogate pair
async def not_storable(_: Request, __: Exception) -> Response:
    return JSONResponse({"detail": "There was an error parsing the body"}, 400)
