"""`/reset-password` and `/accept-invitation`: where links in mails lead when no app is in front.

What was mailed stands behind the `#`, which browsers send to nobody: it is in no server's log. The
pages load nothing from elsewhere and speak to this API alone.
"""

import base64
from hashlib import sha256
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem}
label{display:block;margin:1rem 0 0}input,button{font:inherit;width:100%;padding:.5rem}
button{margin-top:1rem}:root{color-scheme:light dark}
"""

_SCRIPT: Final = """
const form = document.querySelector('form'), said = document.querySelector('output')
const token = decodeURIComponent(location.hash.slice(1))
const told = async (answer) => answer.ok ? null : (await answer.json()).detail
const send = (path, body, access) => fetch(path, {method: 'POST', body: JSON.stringify(body),
  headers: {'Content-Type': 'application/json',
    ...(access && {Authorization: 'Bearer ' + access})}})
const steps = {
  reset: async (filled) => told(await send('/v1/auth/password/reset',
    {token, new_password: filled.get('password')})),
  accept: async (filled) => {
    const login = await send('/v1/auth/login',
      {email: filled.get('email'), password: filled.get('password')})
    if (!login.ok) return told(login)
    const access = (await login.json()).access_token
    const wrong = await told(await send('/v1/invitations/accept', {token}, access))
    await send('/v1/auth/logout', {}, access)
    return wrong
  },
}
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  said.textContent = await steps[form.dataset.step](new FormData(form)) ?? form.dataset.done
})
"""

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; form-action 'none';"
    " base-uri 'none'; frame-ancestors 'none'; style-src 'unsafe-inline'; script-src 'sha256-"
    + base64.b64encode(sha256(_SCRIPT.encode()).digest()).decode()
    + "'"
}

_FIELD: Final = "<label>{label}<input type=password name=password {more} required></label>"

_RESET: Final = (
    "Choose a new password",
    "reset",
    "Done. Sign in with the new password.",
    _FIELD.format(label="New password", more="autocomplete=new-password minlength=10"),
)
_ACCEPT: Final = (
    "Accept the invitation",
    "accept",
    "Done. You are a member now.",
    "<label>Address<input type=email name=email autocomplete=username required></label>"
    + _FIELD.format(label="Password", more="autocomplete=current-password"),
)


router = APIRouter(include_in_schema=False)


@router.get("/reset-password")
async def show_password_reset() -> HTMLResponse:
    """Where a mail to who forgot their password leads."""
    return _page(*_RESET)


@router.get("/accept-invitation")
async def show_invitation() -> HTMLResponse:
    """Where a mail to who is invited leads."""
    return _page(*_ACCEPT)


def _page(title: str, step: str, done: str, fields: str) -> HTMLResponse:
    return HTMLResponse(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        "<meta name=viewport content='width=device-width'>"
        f"<style>{_STYLE}</style><h1>{title}</h1>"
        f"<form data-step={step} data-done='{done}'>{fields}<button>{title}</button></form>"
        f"<output></output><script>{_SCRIPT}</script></html>",
        headers=_HEADERS,
    )
