"""What a new password has to be."""

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from api.problems import FieldProblem, InvalidRequest
from api.texts import UnusableText, require_plain

SHORTEST: Final = 10
LONGEST: Final = 200

COMMON: Final = frozenset(
    """
    0123456789 01234567890 1111111111 1122334455 11111111111 111111111111 1231231234 123123123123
    1234509876 1234512345 123456789a 1234567890 12345678900 12345678901 1234567890a 1234567890q
    12345678910 123456789123 123456789abc 12345qwert 123654789a 123qweasdzxc 147258369a 1a2b3c4d5e
    1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc 1qazxsw23edc 2222222222 3333333333 5555555555 6666666666
    7777777777 8888888888 9876543210 9999999999 0000000000 0987654321 a123456789 a1b2c3d4e5
    aaaaaaaaaa abc1234567 abc123456789 abcd123456 abcdefghij administrator asdfasdfasdf asdfghjkl1
    asdfghjkl; asdfghjkl123 baseball123 basketball charlie123 chocolate1 football123 ihateyou123
    iloveyou12 iloveyou123 iloveyou1234 letmein123 letmein1234 liverpool1 manchester michael123
    p@ssw0rd123 passw0rd123 password00 password01 password10 password11 password12 password123
    password1234 password12345 password123456 password21 password22 password69 password99 password!!
    passwordpassword princess123 q1w2e3r4t5 q1w2e3r4t5y6 qazwsxedc123 qazwsxedcrfv qwe123qwe123
    qwer1234qwer qwerty1234 qwerty12345 qwerty123456 qwerty123456789 qwertyuiop qwertyuiop1
    qwertyuiop123 qwertyuiop[] qweqweqweqwe qwertyqwerty samsung123 starwars123 sunshine123
    superman123 welcome123 welcome1234 zaq12wsxcde3 zxcvbnm123 zxcvbnm1234 zxcvbnm,./
    """.split()  # noqa: SIM905  quotation marks would hide the words
)
"""The passwords of ten characters and more that lists of leaked ones begin with, lower case."""


class WeakPassword(UnusableText):
    """A password that whoever guesses will try first."""

    rule = "too_common"
    fix = "Choose another one: four unrelated words are easy to keep and hard to guess."


def _new_password(text: str) -> str:
    password = normalised(require_plain(text))
    if password.lower() in COMMON or len(set(password)) < 4:
        raise WeakPassword("This is one of the passwords that are tried first.")
    return password


NewPassword = Annotated[
    str,
    Field(min_length=SHORTEST, max_length=LONGEST, repr=False),
    AfterValidator(_new_password),
]
"""A password to be: 10 to 200 characters, none of the most common ones."""


def normalised(password: str) -> str:
    """The same letters however a keyboard composed them."""
    return unicodedata.normalize("NFC", password)


def require_unlike_user(password: str, *names: str, field: str) -> None:
    """Raises InvalidRequest for a password that is one of the user's own names."""
    bare = password.casefold().strip("0123456789!?.-_ ")
    if bare in {part.casefold() for name in names for part in (name, name.partition("@")[0])}:
        raise InvalidRequest(
            FieldProblem(
                field=field,
                rule=WeakPassword.rule,
                message="The password is the handle or the address, with little added.",
                fix=WeakPassword.fix,
            )
        )
