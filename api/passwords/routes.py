"""`/v1/auth/password`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.auth.dependencies import WithUser
from api.passwords.proof import PasswordProof
from api.passwords.schemas import PasswordChange, PasswordReset, ResetMailTaken, ResetMailWanted
from api.passwords.service import PasswordService
from api.problem_answers import refuses
from api.resources import WithResources
from api.sessions.clients import counted_try

router = APIRouter(prefix="/v1/auth/password", tags=["sign-in"])


async def _service(resources: WithResources) -> PasswordService:
    signing_in = resources.signing_in
    proof = PasswordProof(
        database=resources.database,
        passwords=signing_in.passwords,
        failures=signing_in.limits.failures,
    )
    return PasswordService(
        resources.database, signing_in, proof, mails_go_out=resources.mail is not None
    )


Service = Annotated[PasswordService, Depends(_service)]
CountedTry = Depends(counted_try)


@router.put("", status_code=204, summary="Change the password")
async def change_password(service: Service, user: WithUser, change: PasswordChange) -> None:
    """All other sessions of the user end, and a mail tells the user."""
    await service.change(user, current=change.current_password, new=change.new_password)


@router.post(
    "/reset-mails",
    status_code=202,
    dependencies=[CountedTry],
    responses=refuses(429, 503),
    summary="Have a link for a new password mailed",
)
async def mail_password_reset(service: Service, wanted: ResetMailWanted) -> ResetMailTaken:
    """The answer, and the time it takes, do not tell whether somebody has the address.

    The link is good once, for an hour. A few mails an hour go to one address: then 429. 503
    when this installation sends no mail.
    """
    await service.mail_reset(wanted.email)
    return ResetMailTaken()


@router.post(
    "/reset",
    status_code=204,
    dependencies=[CountedTry],
    responses=refuses(429),
    summary="Choose a new password",
)
async def reset_password(service: Service, wanted: PasswordReset) -> None:
    """With the token of the mailed link. All sessions of the user end."""
    await service.reset(wanted.token, wanted.new_password)
