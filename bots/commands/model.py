"""`lampkeeper model`: the model's card, for people, for a page, or for a program.

Leans on `core.training.model_page`, which makes the same page for terminal and documentation.
"""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from bots.terminal import console, show_sections
from core.errors import ConfigError
from core.model import load_model
from core.training.document import markdown
from core.training.model_page import model_page


def model(
    *,
    model: Path | None = None,
    json: Annotated[bool, Parameter(name="--json", negative=())] = False,
    markdown_: Annotated[bool, Parameter(name="--markdown", negative=())] = False,
) -> int:
    """Show what a model learned from, what it is for and not for, where it ends, and every figure measured.

    Parameters
    ----------
    model
        Folder of the model. Default: the one that came with this version.
    json
        Print the card as it is, as JSON.
    markdown_
        Print the page as Markdown: docs/model.md is made so.
    """
    if json and markdown_:
        raise ConfigError("--json and --markdown were both asked for.", "Choose one of them.")
    card = load_model(model).card
    to = console()
    if json:
        to.print(dumps(card, indent=1, ensure_ascii=False), soft_wrap=True)
        return 0
    title, sections = model_page(card)
    if markdown_:
        to.print(markdown(title, sections), soft_wrap=True, end="")
        return 0
    to.print(title, style="bold", end="\n\n")
    show_sections(to, sections)
    return 0
