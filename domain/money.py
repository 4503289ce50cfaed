"""Exact amounts of money in the currencies of ISO 4217."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_TWO_DIGITS: Final = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
    "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA "
    "MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN "
    "QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP "
    "TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
_NO_DIGITS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DIGITS: Final = "BHD IQD JOD KWD LYD OMR TND"

CURRENCY_DIGITS: Final = (
    dict.fromkeys(_TWO_DIGITS.split(), 2)
    | dict.fromkeys(_NO_DIGITS.split(), 0)
    | dict.fromkeys(_THREE_DIGITS.split(), 3)
)
"""Digits after the point of every currency that people pay with, by code.

ISO 4217 list one (SIX, 2026-01-01), without funds, metals and codes for testing.
"""

MOST_DIGITS: Final = 3
"""After the point, in any currency."""

WHOLE_DIGITS: Final = 12
"""Before the point at most: every price that was ever asked fits, and NUMERIC(15, 3) holds it."""

_AMOUNT: Final = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?")
_LONGEST: Final = 40
"""Characters that are looked at; nothing longer can be an amount."""


class InvalidMoney(ValueError):
    """Not an amount of a currency; `str()` of it says why."""

    def __init__(self, message: str, *, rule: str, fix: str) -> None:
        """`rule` is a stable word for programs, `fix` what to do."""
        super().__init__(message)
        self.rule = rule
        self.fix = fix


@dataclass(frozen=True, kw_only=True, slots=True)
class Money:
    """So much of one currency; never less than nothing."""

    amount: Decimal
    currency: str
    """A code of ISO 4217."""

    @property
    def text(self) -> str:
        """The amount with all digits of its currency: 12.50 EUR, 1200 JPY."""
        return f"{self.amount:.{CURRENCY_DIGITS[self.currency]}f}"


def known_currency(code: str) -> str:
    """The code as it is. Raises InvalidMoney."""
    if code not in CURRENCY_DIGITS:
        raise InvalidMoney(
            "There is no such currency.",
            rule="unknown_currency",
            fix="Send a code of ISO 4217 in capitals, such as EUR.",
        )
    return code


def parse_money(amount: str, currency: str) -> Money:
    """The money of that text, such as 12.50. Raises InvalidMoney.

    No sign, no exponent, no separators, and no more digits than the currency has.
    """
    digits = CURRENCY_DIGITS[known_currency(currency)]
    found = _AMOUNT.fullmatch(amount) if len(amount) <= _LONGEST else None
    if found is None:
        raise InvalidMoney(
            "This is no amount of money: digits, and a point before the decimals.",
            rule="not_an_amount",
            fix='Send it as "12.50": not negative, without separators, sign or exponent.',
        )
    whole, decimals = found.group(1), found.group(2) or ""
    if len(decimals) > digits:
        raise InvalidMoney(
            f"{currency} has {digits} digits after the point, and {len(decimals)} were sent.",
            rule="too_many_decimals",
            fix="Round it." if digits else "Send a whole number.",
        )
    if len(whole) > WHOLE_DIGITS:
        raise InvalidMoney(
            f"More than {WHOLE_DIGITS} digits before the point are not taken.",
            rule="too_large",
            fix="Send a smaller amount.",
        )
    return Money(amount=Decimal(amount), currency=currency)
