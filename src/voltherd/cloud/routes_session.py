"""``/api/v1/session``: signing in and out with a name and a password."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from voltherd.cloud.access import COOKIE, Access, client_of
from voltherd.cloud.problems import ProblemError, answers
from voltherd.cloud.schema_service import Session, SignIn

router = APIRouter(prefix="/api/v1/session", tags=["session"])


def access_of(request: Request) -> Access:
    """Give who may sign in."""
    access = request.app.state.access
    assert isinstance(access, Access)
    return access


AccessNow = Annotated[Access, Depends(access_of)]


@router.get("", response_model=Session, responses=answers(404))
def who(request: Request) -> Session:
    """Say who is signed in."""
    name = getattr(request.state, "who", "")
    if not name:
        raise ProblemError("not-found", "nobody is signed in, and nobody need be")
    return Session(name=name)


@router.post("", response_model=Session, responses=answers(413, 429))
def sign_in(access: AccessNow, request: Request, wanted: SignIn) -> Response:
    """Sign in; the answer sets a cookie that no script can read."""
    session = access.sign_in(wanted.name, wanted.password, client_of(request.scope))
    answer = JSONResponse(Session(name=wanted.name).model_dump())
    answer.set_cookie(
        COOKIE,
        session,
        max_age=access.session_second,
        httponly=True,
        samesite="strict",
        secure=access.secure,
        path="/",
    )
    return answer


@router.delete("", status_code=204, responses=answers())
def sign_out(access: AccessNow, request: Request) -> Response:
    """Sign out: the session is forgotten here, not only in the browser."""
    access.sign_out(request.cookies.get(COOKIE, ""))
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=access.secure)
    return answer
