"""What people expect of answers."""


class WrongAnswer(Exception):
    """Another answer than the one that was promised, however quick and polite."""


def require(is_so: object, otherwise: str) -> None:
    """Raises WrongAnswer, saying so, unless it is."""
    if not is_so:
        raise WrongAnswer(otherwise)
