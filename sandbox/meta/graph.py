"""What Facebook and Instagram share: the Graph API's errors, tokens, fields, paging and usage.

An error is `{"error": {message, type, code, error_subcode, …, fbtrace_id}}`, mostly with HTTP 400,
and repeats itself in a `WWW-Authenticate` header. Usage headers are percentages and show up only
once enough calls were made.
"""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.accounts import Account, Token
from sandbox.network import Call, Network, Refusal, bearer
from sandbox.parameters import Parameters

DAY = 86_400
CALLS_A_DAY = 4_800
SHOWN_FROM_PERCENT = 10
MISSING_OBJECT = (
    "Unsupported {method} request. Object with ID '{id}' does not exist, cannot be loaded due to "
    "missing permissions, or does not support this operation"
)


def graph_error(
    code: int,
    message: str,
    *,
    subcode: int | None = None,
    status: int = 400,
    title: str | None = None,
    user_message: str | None = None,
    is_transient: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Refusal:
    """One error of the Graph API."""
    error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code}
    optional = {
        "error_subcode": subcode,
        "error_user_title": title,
        "error_user_msg": user_message,
    }
    error |= {name: value for name, value in optional.items() if value is not None}
    error |= {"is_transient": is_transient, "fbtrace_id": f"A{secrets.token_urlsafe(16)}"}
    reason = "invalid_token" if code in {102, 190} else "invalid_request"
    plain = message.encode("ascii", "replace").decode().replace('"', "'")
    challenge = {"WWW-Authenticate": f'OAuth "Facebook Platform" "{reason}" "{plain}"'}
    return Refusal(status, {"error": error}, {**challenge, **(headers or {})})


def missing_object(method: str, object_id: str) -> Refusal:
    """100/33: the object is not there, or the token may not see it."""
    return graph_error(100, MISSING_OBJECT.format(method=method.lower(), id=object_id), subcode=33)


def graph_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def asked_fields(parameters: Parameters) -> list[str]:
    """The names in `fields`, without what stands in braces or after a dot."""
    names, depth, name = [], 0, ""
    for character in (parameters.text("fields") or "") + ",":
        if character == "," and depth == 0:
            names.append(name.strip().partition(".")[0])
            name = ""
        elif character in "{}":
            depth += 1 if character == "{" else -1
        elif depth == 0:
            name += character
    return [name for name in names if name]


def pick(values: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """The fields asked for that have a value; the id is always there."""
    names = dict.fromkeys([*fields, "id"])
    return {name: values[name] for name in names if values.get(name) is not None}


def page_of(
    rows: Iterator[dict[str, Any]], parameters: Parameters, *, usual: int = 25
) -> JSONResponse:
    """One page of an edge, by `limit` and the cursor `after`."""
    try:
        limit = min(int(parameters.text("limit") or usual), 100)
        skipped = int(parameters.text("after") or 0)
    except ValueError as error:
        raise graph_error(100, "(#100) limit and after must be numbers") from error
    every = list(rows)
    data = every[skipped : skipped + limit]
    if not data:
        return JSONResponse({"data": []})
    paging = {"cursors": {"before": str(skipped), "after": str(skipped + len(data))}}
    return JSONResponse({"data": data, "paging": paging})


def indexed_list(parameters: Parameters, name: str) -> list[Any]:
    """A list sent as JSON text, as a JSON array, or as `name[0]=…&name[1]=…`."""
    value = parameters.values.get(name)
    if value is None:
        keys = [key for key in parameters.values if key.startswith(f"{name}[")]
        value = [_indexed_item(key, parameters.values[key]) for key in keys]
    if isinstance(value, str):
        value = _json_or_text(value)
    items = value if isinstance(value, list) else [value]
    return [_json_or_text(item) if isinstance(item, str) else item for item in items]


def _indexed_item(key: str, value: Any) -> Any:
    """`name[0][media_fbid]=1` is an object with one member."""
    inner = key.split("[")[2:]
    return {inner[0].rstrip("]"): value} if inner else value


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


class GraphNetwork(Network):
    """A network behind the Graph API."""

    usage_type: ClassVar[str]
    limit_code: ClassVar[int]

    def owner(self, request: Request, parameters: Parameters) -> Account | None:
        token = self._token(request, parameters)
        return None if token is None else self.state.accounts.owner(token)

    def authenticated(self, call: Call) -> Account:
        """The account of the call's token, after one call is taken from its day."""
        token = self._token(call.request, call.parameters)
        if token is None:
            if self._token_value(call.request, call.parameters) is None:
                raise graph_error(104, "An access token is required to request this resource.")
            raise graph_error(190, "Invalid OAuth access token - Cannot parse access token")
        if not token.is_valid(self.state.clock.now()):
            raise self._ended_token(token)
        account = self.state.accounts.owner(token)
        window = self.state.windows.get(account.id, f"{self.name}.calls", CALLS_A_DAY, DAY)
        has_room = window.spend(self.state.clock.now())
        if not has_room and self.state.settings.rate_limits and not account.unlimited:
            raise self.rate_limited(call, DAY)
        return account

    def of_own_account(self, call: Call, object_id: str) -> Account:
        """The account of the token when `object_id` names it, else what the Graph answers."""
        account = self.authenticated(call)
        if object_id not in {account.id, "me"}:
            raise missing_object(call.request.method, object_id)
        return account

    def headers(self, call: Call) -> Mapping[str, str]:
        if call.account is None:
            return {}
        window = self.state.windows.get(call.account.id, f"{self.name}.calls", CALLS_A_DAY, DAY)
        percent = window.used * 100 // CALLS_A_DAY
        return {} if percent < SHOWN_FROM_PERCENT else self._usage(call.account, percent, 0)

    def _usage(self, account: Account, percent: int, minutes: int) -> dict[str, str]:
        load = {"call_count": percent, "total_cputime": percent // 4, "total_time": percent // 4}
        business = {**load, "type": self.usage_type, "estimated_time_to_regain_access": minutes}
        return {
            "X-App-Usage": json.dumps(load),
            "X-Business-Use-Case-Usage": json.dumps({account.id: [business]}),
        }

    def rate_limited(self, call: Call, retry_after_seconds: int) -> Refusal:
        """The limit comes as HTTP 400 and names the wait in minutes, in the usage header alone."""
        minutes = -(-retry_after_seconds // 60)
        headers = self._usage(call.account, 100, minutes) if call.account else {}
        message = f"(#{self.limit_code}) There have been too many calls to this account."
        return graph_error(
            self.limit_code, message, subcode=2446079, is_transient=True, headers=headers
        )

    def server_error(self) -> Refusal:
        message = "An unknown error occurred"
        return graph_error(1, message, status=500, is_transient=True)

    async def debug_token(self, call: Call) -> Response:
        self.authenticated(call)
        token = self.state.accounts.token(self.name, call.parameters.text("input_token") or "")
        if token is None:
            error = {"code": 190, "message": "Invalid OAuth access token."}
            return JSONResponse({"data": {"error": error, "is_valid": False, "scopes": []}})
        data = {
            "app_id": "100000000000001",
            "type": "PAGE",
            "application": "Punctual",
            "expires_at": int(token.expires_at.timestamp()) if token.expires_at else 0,
            "issued_at": int(token.issued_at.timestamp()),
            "is_valid": token.is_valid(self.state.clock.now()),
            "profile_id": token.account_id,
            "scopes": ["pages_manage_posts", "pages_read_engagement", "instagram_content_publish"],
            "user_id": token.account_id,
        }
        return JSONResponse({"data": data})

    def issue_token(self, account: Account, lifetime_seconds: float | None) -> Token:
        value = f"EAAG{secrets.token_hex(48)}"
        chosen = account.access_token_lifetime_seconds
        return self.state.accounts.issue(
            account,
            "access",
            lifetime_seconds=lifetime_seconds if chosen is None else chosen,
            value=value,
        )

    def _ended_token(self, token: Token) -> Refusal:
        """190, its subcode saying why: 463 ran out, 458 the user removed the app."""
        if token.is_expired(self.state.clock.now()):
            message = "Error validating access token: Session has expired."
            return graph_error(190, message, subcode=463)
        message = "Error validating access token: The user has not authorized application."
        return graph_error(190, message, subcode=458)

    def _token(self, request: Request, parameters: Parameters) -> Token | None:
        value = self._token_value(request, parameters)
        return None if value is None else self.state.accounts.token(self.name, value)

    def _token_value(self, request: Request, parameters: Parameters) -> str | None:
        return parameters.text("access_token") or bearer(request)
