"""Codes that people read, type and read aloud."""


def luhn_digit(digits: str) -> str:
    """Return the check digit of a string of digits (ISO/IEC 7812-1, Annex B)."""
    total = 0
    for position, character in enumerate(reversed(digits)):
        value = int(character) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def has_luhn_digit(digits: str) -> bool:
    """Tell whether the last digit is the check digit of those before it."""
    return len(digits) > 1 and digits.isdigit() and luhn_digit(digits[:-1]) == digits[-1]


def mask_phone(phone: str) -> str:
    """Hide the middle of an E.164 number: ``+8613800000001`` becomes ``138****0001``."""
    national = phone.removeprefix("+86") if phone.startswith("+86") else phone
    return f"{national[:-8]}****{national[-4:]}" if len(national) > 8 else "****" + national[-2:]
