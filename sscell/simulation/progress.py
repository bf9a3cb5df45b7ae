"""How work that takes a while says how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

__all__ = ["Progress", "parts"]

Progress = Callable[[float, str], None]  # share done [-], and a text


def parts(on_progress: Progress | None, count: int) -> Iterator[Progress]:
    """Progress of each part of a whole.

    Parameters
    ----------
    on_progress : callable or None
        Of the whole.
    count : int
        Parts, of equal weight.

    Yields
    ------
    callable
        Progress of one part.

    Examples
    --------
    >>> first, second = parts(lambda share, text: print(share, text), 2)
    >>> second(0.5, "discharge")
    0.75 discharge
    """
    for number in range(count):

        def tell(share: float, text: str, number: int = number) -> None:
            if on_progress:
                on_progress((number + share) / count, text)

        yield tell
