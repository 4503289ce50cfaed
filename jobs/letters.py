"""What mails say."""

from dataclasses import dataclass, field

from domain.roles import WorkspaceRole


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A mail before it is handed over."""

    to: str
    subject: str
    text: str = field(repr=False)


def reset_password(to: str, name: str, link: str) -> Letter:
    """A link to choose a new password."""
    return Letter(
        to=to,
        subject="Choose a new password",
        text=(
            f"Hello {name},\n\n"
            "somebody asked for a new password with your address. If it was you, open this link"
            f" within an hour; it works once:\n\n{link}\n\n"
            "If it was not you, leave it: nothing has changed.\n"
        ),
    )


def password_changed(to: str, name: str) -> Letter:
    """That it was done, and what to do if it was not the reader."""
    return Letter(
        to=to,
        subject="Your password was changed",
        text=(
            f"Hello {name},\n\n"
            "your password was changed, and everybody else who was signed in as you was signed"
            " out.\n\nIf it was not you, have a link for a new password mailed at once.\n"
        ),
    )


def reused(to: str, name: str) -> Letter:
    """That a session was ended, and why."""
    return Letter(
        to=to,
        subject="A session of yours was ended",
        text=(
            f"Hello {name},\n\n"
            "what keeps one of your devices signed in was used twice, so somebody else may have a"
            " copy of it. That session was ended. Sign in again on your device.\n\n"
            "If you do not know how that could be, change your password.\n"
        ),
    )


def suspended(to: str, name: str, reason: str) -> Letter:
    """That the reader was shut out, and why."""
    return Letter(
        to=to,
        subject="You were suspended",
        text=(
            f"Hello {name},\n\n"
            "a moderator suspended you: nobody can sign in as you, and what you scheduled is held."
            f" The reason given:\n\n{reason}\n\n"
            "If you think that this is wrong, answer this mail to have it looked at again.\n"
        ),
    )


def invitation(to: str, workspace: str, role: WorkspaceRole, link: str) -> Letter:
    """A link to become a member."""
    return Letter(
        to=to,
        subject=f"You are invited to {workspace}",
        text=(
            f"Hello,\n\nyou are invited to the workspace {workspace}, as {role}. Sign in or"
            f" register, then open this link within seven days; it works once:\n\n{link}\n\n"
            "If you do not know the workspace, leave it: nothing happens.\n"
        ),
    )
