"""Amounts of money: exact, with the digits of their currency, and never less than nothing."""

from decimal import Decimal

import pytest

from domain.money import CURRENCY_DIGITS, MOST_DIGITS, InvalidMoney, parse_money


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("12.50", "EUR", "12.50"),
        ("12.5", "EUR", "12.50"),
        ("12", "EUR", "12.00"),
        ("0", "EUR", "0.00"),
        ("0.01", "USD", "0.01"),
        ("1200", "JPY", "1200"),
        ("1.234", "KWD", "1.234"),
        ("999999999999.999", "BHD", "999999999999.999"),
    ],
)
def test_an_amount_is_kept_exactly(amount: str, currency: str, shown: str) -> None:
    money = parse_money(amount, currency)
    assert money.amount == Decimal(amount)
    assert money.text == shown


@pytest.mark.parametrize(
    ("amount", "currency", "rule"),
    [
        ("-1", "EUR", "not_an_amount"),
        ("-0.00", "EUR", "not_an_amount"),
        ("+1", "EUR", "not_an_amount"),
        ("NaN", "EUR", "not_an_amount"),
        ("Infinity", "EUR", "not_an_amount"),
        ("1e3", "EUR", "not_an_amount"),
        ("1,000.00", "EUR", "not_an_amount"),
        ("1.", "EUR", "not_an_amount"),
        (".5", "EUR", "not_an_amount"),
        ("007", "EUR", "not_an_amount"),
        (" 1", "EUR", "not_an_amount"),
        ("1\n", "EUR", "not_an_amount"),
        ("", "EUR", "not_an_amount"),
        ("١٢", "EUR", "not_an_amount"),
        ("1" * 100_000, "EUR", "not_an_amount"),
        ("1.005", "EUR", "too_many_decimals"),
        ("1.000", "EUR", "too_many_decimals"),
        ("1.5", "JPY", "too_many_decimals"),
        ("1.2345", "KWD", "too_many_decimals"),
        ("1000000000000", "EUR", "too_large"),
        ("1", "eur", "unknown_currency"),
        ("1", "XXX", "unknown_currency"),
        ("1", "DEM", "unknown_currency"),
        ("1", "", "unknown_currency"),
    ],
)
def test_what_is_no_amount_is_refused(amount: str, currency: str, rule: str) -> None:
    with pytest.raises(InvalidMoney) as refused:
        parse_money(amount, currency)
    assert refused.value.rule == rule
    assert refused.value.fix


def test_currencies_have_codes_of_three_letters_and_few_digits() -> None:
    assert len(CURRENCY_DIGITS) > 150
    for code, digits in CURRENCY_DIGITS.items():
        assert (len(code), code.isalpha(), code.isupper()) == (3, True, True)
        assert 0 <= digits <= MOST_DIGITS
