"""What is answered when something cannot be done: problem details (RFC 9457), what it is and how to mend it."""

import re
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from acd.channels.contact import ReplyError
from acd.control import ControlError
from acd.core.commands import Answer
from acd.desk.web.tokens import TokenError
from acd.dispatcher import RefusedError
from acd.store import StoreError

MEDIA_TYPE = "application/problem+json"
METHOD_NOT_ALLOWED = 405


class Details(BaseModel):
    """A problem, as RFC 9457 has it, with `mend`: what can be done about it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    mend: str = ""


class ProblemError(HTTPException):
    """A request that cannot be fulfilled."""

    def __init__(
        self, status: int, title: str, mend: str = "", *, detail: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, title, headers=dict(headers or {}))
        self.details = Details(title=title, status=status, detail=detail, mend=mend)


ANSWERS: dict[Answer, tuple[int, str, str]] = {
    "wrong-pin": (403, "the seat or its PIN is wrong", "try again"),
    "locked": (429, "too many wrong PINs: the seat is locked", "wait until the lock is over, see pin_tries and lock"),
    "not-logged-in": (409, "the seat is not logged in", "log in first"),
    "already": (409, "it is so already, or there is nothing of that kind", "look again at what there is"),
    "unknown-seat": (403, "the seat does not exist, or may not do that", "see acd.conf"),
    "unable": (409, "the seat takes no calls, as things stand", "say ready, and look at the handset"),
    "nobody-waits": (409, "nobody waits", ""),
    "nobody-rings": (409, "nothing rings there", ""),
    "not-served": (409, "the seat does not serve that queue", "see queues in acd.conf"),
    "taken": (409, "another seat is logged in at that phone", "log out there"),
}


def fulfilled(answer: Answer) -> None:
    """See that a wish was met.

    Raises:
        ProblemError: it was not.

    """
    if answer not in {"ok", "later"}:
        raise ProblemError(*ANSWERS[answer])


def response(problem: ProblemError) -> JSONResponse:
    """Make the answer."""
    return JSONResponse(
        problem.details.model_dump(),
        status_code=problem.details.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


WHAT = {
    400: "not understood",
    401: "no token, and no session",
    403: "not allowed with this token or session",
    404: "no such thing",
    409: "not as things stand",
    413: "too large",
    415: "another content type is needed",
    422: "not as described",
    429: "too often",
    503: "not at present",
}
"""What each status means."""


def _methods(app: FastAPI, path: str) -> str:
    """Name the methods of a path: each has a route of its own, and the first one that is met knows of no other."""
    known = app.openapi()["paths"].items()
    found = {
        one.upper() for like, each in known if re.fullmatch(re.sub(r"{[^}]*}", "[^/]+", like), path) for one in each
    }
    return ", ".join(sorted(found))


def install(app: FastAPI) -> None:
    """Have everything that goes wrong answered so."""

    async def of_problem(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ProblemError)
        return response(error)

    async def of_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        if error.status_code == METHOD_NOT_ALLOWED:
            headers["Allow"] = _methods(app, request.url.path) or headers.get("Allow", "")
        return response(ProblemError(error.status_code, str(error.detail), headers=headers))

    async def of_validation(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        where = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5])
        return response(ProblemError(422, "the request is not as it must be", "see /openapi.json", detail=where[:500]))

    async def of_reply(_request: Request, error: Exception) -> JSONResponse:
        return response(ProblemError(409, "the reply cannot be sent", detail=str(error)))

    async def of_order(_request: Request, error: Exception) -> JSONResponse:
        return response(ProblemError(409, "that cannot be done", detail=str(error)))

    async def of_away(_request: Request, error: Exception) -> JSONResponse:
        mend = "try again later; `callfloor status` and the log tell what is wrong"
        return response(ProblemError(503, "it cannot be done at present", mend, detail=str(error)))

    async def of_fault(_request: Request, _error: Exception) -> JSONResponse:
        return response(ProblemError(500, "a fault of callfloor", "the log tells more"))

    app.add_exception_handler(Exception, of_fault)
    app.add_exception_handler(ProblemError, of_problem)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(ReplyError, of_reply)
    app.add_exception_handler(ControlError, of_order)
    for kind in (StoreError, RefusedError, TokenError):
        app.add_exception_handler(kind, of_away)
