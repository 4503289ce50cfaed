"""What a person sees: each account's public posts as a web page, and the media in them."""

from html import escape

import regex
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.accounts import Account
from sandbox.ledger import PublicEntry
from sandbox.mails import ReceivedMail
from sandbox.media_store import sniff_content_type
from sandbox.network import page_path
from sandbox.page_style import STYLE
from sandbox.state import State

_NAMES = {
    "facebook": "Facebook",
    "instagram": "Instagram",
    "x": "X",
    "bluesky": "Bluesky",
    "mastodon": "Mastodon",
}
_URL = regex.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]]")
# Texts come from anywhere: even one that slipped through unescaped could not run or load anything.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; media-src 'self';"
    " style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


class Pages:
    """The web pages, over the state of one sandbox."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        return [
            Route("/", self.index),
            Route("/media/{sha256}", self.media),
            Route("/mails", self.mails),
            Route("/{network}/{handle:path}", self.account),
        ]

    def permalink_routes(self, network: str) -> list[Route]:
        """The addresses that clients build themselves, in the shape of the real network's."""
        shapes = {
            "x": [Route("/{handle}/status/{id}", self.permalink)],
            "bluesky": [Route("/profile/{handle}/post/{id}", self.permalink)],
            "facebook": [Route("/{id}", self.permalink)],
        }
        return shapes.get(network, [])

    async def permalink(self, request: Request) -> Response:
        network = request.scope["root_path"].strip("/")
        wanted, handle = request.path_params["id"], request.path_params.get("handle")
        if network == "bluesky":
            account = self._state.accounts.find(network, str(handle))
            did = "" if account is None else account.id
            wanted = f"at://{did}/app.bsky.feed.post/{wanted}"
        entry = self._state.ledger.get(network, wanted)
        if entry is None:
            return PlainTextResponse("There is no such post.", 404)
        return RedirectResponse(f"{page_path(network, entry.handle)}#{entry.anchor}")

    async def index(self, _: Request) -> Response:
        sections = []
        for network, title in _NAMES.items():
            accounts = [item for item in self._state.accounts if item.network == network]
            rows = "".join(self._account_row(account) for account in accounts)
            if rows:
                sections.append(f"<h2>{title}</h2><ul class='accounts'>{rows}</ul>")
        body = "".join(sections) or "<p class='empty'>There are no accounts yet.</p>"
        body += "<h2>Mails</h2><ul class='accounts'><li><a href='/pages/mails'>Mails</a>"
        body += f" <span class='muted'>{len(self._state.mails.received)}</span></li></ul>"
        heading = "<h1>Sandbox networks</h1><p class='lead'>What these accounts have published.</p>"
        return _page("Sandbox networks", "", heading + body)

    async def mails(self, _: Request) -> Response:
        shown = "".join(_mail(mail) for mail in reversed(self._state.mails.received))
        heading = (
            "<header><h1>Mails</h1><p class='muted'>Taken here, delivered nowhere.</p></header>"
        )
        none = "<p class='empty'>No mail has come yet.</p>"
        back = "<p><a href='/pages/'>All accounts</a></p>"
        return _page("Mails", "", f"{back}{heading}{shown or none}")

    def _account_row(self, account: Account) -> str:
        count = sum(1 for _ in self._state.ledger.newest_first(account.network, account.id))
        href = escape(page_path(account.network, account.handle))
        noun = "entry" if count == 1 else "entries"
        return (
            f"<li><a href='{href}'>{escape(account.name)}</a>"
            f" <span class='muted'>{escape(account.handle)} · {count} {noun}</span></li>"
        )

    async def account(self, request: Request) -> Response:
        network, handle = request.path_params["network"], request.path_params["handle"]
        account = self._state.accounts.find(network, handle)
        if account is None or network not in _NAMES:
            return PlainTextResponse("There is no such account.", 404)
        entries = list(self._state.ledger.newest_first(network, account.id))
        known = {entry.id for entry in entries}
        tops = [entry for entry in entries if entry.parent_id not in known]
        posts = "".join(self._entry(entry) for entry in tops)
        body = (
            f"<p><a href='/pages/'>All accounts</a></p>"
            f"<header><h1>{escape(account.name)}</h1>"
            f"<p class='muted'>{escape(account.handle)} on {_NAMES[network]}</p></header>"
            f"{posts or '<p class=empty>Nothing has been published yet.</p>'}"
        )
        return _page(f"{account.name} on {_NAMES[network]}", network, body)

    async def media(self, request: Request) -> Response:
        content = self._state.media.get(request.path_params["sha256"])
        if content is None:
            return PlainTextResponse("There is no such file.", 404)
        content_type = sniff_content_type(content) or "application/octet-stream"
        return Response(content, media_type=content_type, headers=_HEADERS)

    def _entry(self, entry: PublicEntry) -> str:
        comments = [comment for comment in entry.comments if comment.deleted_at is None]
        nested = "".join(self._entry(comment) for comment in comments)
        warning = entry.extra.get("spoiler_text")
        spoiler = f"<p class='spoiler'>{escape(warning)}</p>" if warning else ""
        anchor = escape(entry.anchor)
        shown_at = entry.public_at.strftime("%d %b %Y, %H:%M:%S UTC")
        visibility = entry.extra.get("visibility", "public")
        label = "" if visibility == "public" else f" · {escape(visibility)}"
        return (
            f"<article id='{anchor}' class='{entry.kind}'>{spoiler}"
            f"<p class='text'>{_linked_text(entry)}</p>{_link_card(entry)}{_media(entry)}"
            f"<footer><a href='#{anchor}'><time>{shown_at}</time></a> · {entry.kind}{label}"
            f" <code>{escape(entry.id)}</code></footer>"
            f"{f'<div class=thread>{nested}</div>' if nested else ''}</article>"
        )


def _linked_text(entry: PublicEntry) -> str:
    """Escaped text with its links; on Bluesky only facets are links."""
    if entry.network == "bluesky":
        return _text_with_facets(entry)
    return _with_links(entry.text)


def _with_links(text: str) -> str:
    pieces, position = [], 0
    for match in _URL.finditer(text):
        pieces += [escape(text[position : match.start()]), _anchor(match[0], match[0])]
        position = match.end()
    return "".join([*pieces, escape(text[position:])])


def _text_with_facets(entry: PublicEntry) -> str:
    encoded, pieces, position = entry.text.encode(), [], 0
    facets = sorted(entry.extra.get("facets", []), key=lambda item: item["index"]["byteStart"])
    for facet in facets:
        start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        if start < position:
            continue
        uris = [feature["uri"] for feature in facet["features"] if "uri" in feature]
        shown = encoded[start:end].decode()
        pieces.append(escape(encoded[position:start].decode()))
        pieces.append(_anchor(uris[0], shown) if uris else f"<b>{escape(shown)}</b>")
        position = end
    return "".join([*pieces, escape(encoded[position:].decode())])


def _anchor(url: str, shown: str) -> str:
    if not url.startswith(("http://", "https://")):
        return escape(shown)
    return f"<a href='{escape(url)}' rel='nofollow noopener'>{escape(shown)}</a>"


def _mail(mail: ReceivedMail) -> str:
    text = _with_links(mail.text)
    readers = escape(", ".join(mail.recipients))
    return (
        f"<article><h2>{escape(mail.subject)}</h2><p class='text'>{text}</p>"
        f"<footer>to {readers} · {escape(mail.received_at)}</footer></article>"
    )


def _link_card(entry: PublicEntry) -> str:
    link = entry.extra.get("link")
    embed = entry.extra.get("record", {}).get("embed", {})
    card = embed.get("external") or embed.get("media", {}).get("external") or {}
    url, title = link or card.get("uri"), card.get("title") or link
    return f"<p class='card'>{_anchor(str(url), str(title or url))}</p>" if url else ""


def _media(entry: PublicEntry) -> str:
    shown = []
    for item in entry.media:
        source, alt = f"/pages/media/{item.sha256}", escape(item.alt_text or "")
        if item.content_type.startswith("video/"):
            shown.append(f"<video src='{source}' controls title='{alt}'></video>")
        else:
            shown.append(f"<img src='{source}' alt='{alt}' title='{alt}' loading='lazy'>")
    return f"<div class='media n{min(len(shown), 4)}'>{''.join(shown)}</div>" if shown else ""


def _page(title: str, network: str, body: str) -> HTMLResponse:
    return HTMLResponse(
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body class='{network}'><main>{body}</main></body></html>",
        headers=_HEADERS,
    )
