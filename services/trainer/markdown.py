"""Markdown for the model card: tables, pictures, and text from outside that must stay text."""

from collections.abc import Sequence

from shared.model_file import BESIDE


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells as they are; what came from outside goes through `cell` first."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def picture(kind: str, text: str) -> str:
    """A picture that lies beside the card, by its name in `BESIDE`, and what is to be seen in it."""
    return f"![{text[0].upper()}{text[1:]}]({BESIDE[kind]})"


def cell(text: str) -> str:
    """Names come from outside: nothing in them may break the table or become markup."""
    clean = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in "\\|<>[]`*_" else letter for letter in clean)
