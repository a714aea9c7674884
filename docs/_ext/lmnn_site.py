"""What the site needs of Sphinx beyond its extensions: formulas without a script, and links out of this folder."""

from __future__ import annotations

import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.addnodes import download_reference
from sphinx.application import Sphinx
from sphinx_gallery.directives import imgsgnode

DOCS = Path(__file__).resolve().parent.parent
ROOT = DOCS.parent
#: Files of the repository whose text is on the site, and the page where.
PAGES = {
    "README.md": "index.md",
    "README.md#measured": "performance.md",
    "examples": "gallery/index.rst",
    "examples/README.md": "gallery/index.rst",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "coming_from.md": "coming_from.md",
    "paper_notes.md": "paper_notes.md",
}
LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<path>(?!https?:|mailto:)[^)#\s]+)(?P<part>#[^)\s]*)?\)")


def arguments(gallery_conf: dict[str, Any], script_vars: dict[str, Any]) -> list[str]:
    """Command line of an example that the gallery runs in its folder: its file goes where no page is."""
    return ["--out", "../out/examples"]


def styled(gallery_conf: dict[str, Any], script: str) -> None:
    """Forget what examples share, which sets the style of the pictures when it is imported."""
    sys.modules.pop("_common", None)


def setup(app: Sphinx) -> dict[str, bool]:
    """Formulas as MathML, which browsers draw by themselves; links as they are in the repository."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("source-read", lambda app, docname, content: _linked(content, docname, (DOCS / docname).parent))
    app.connect("include-read", lambda app, path, docname, content: _linked(content, docname, (DOCS / path).parent))
    app.connect("doctree-resolved", _opened)
    app.connect("doctree-resolved", _framed)
    return {"parallel_read_safe": True}


def _inline(writer: Any, node: nodes.math) -> None:
    """A formula in a line."""
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.math_block) -> None:
    """A formula by itself, in a box that scrolls where the screen is narrow."""
    writer.body.append(f'<div class="formula">{tex2mathml(node.astext(), as_block=True)}</div>\n')
    raise nodes.SkipNode


def _linked(content: list[str], docname: str, folder: Path) -> None:
    """Turn the links of a text that stands in a folder of the repository into links of the page that it is part of."""
    content[0] = LINK.sub(partial(_link, here=(DOCS / docname).parent, folder=folder), content[0])


def _link(found: re.Match[str], here: Path, folder: Path) -> str:
    """The page that has the file's text, the picture, or the plain text where the site does not have the file."""
    name, part = os.path.relpath(folder / found["path"], ROOT), found["part"] or ""
    if name + part in PAGES:
        name, part = name + part, ""
    target = DOCS / PAGES[name] if name in PAGES else ROOT / name
    if not (found["image"] or target.is_relative_to(DOCS)):
        return found["text"]
    return f"{found['image']}[{found['text']}]({os.path.relpath(target, here)}{part})"


def _opened(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """A page that is copied as it is opens in the browser, and is not saved."""
    for node in list(doctree.findall(download_reference)):
        if node["reftarget"].endswith(".html"):
            place = f"{'../' * docname.count('/')}_downloads/{node['filename']}"
            node.replace_self(nodes.reference("", "", *node.children, refuri=place))


def _framed(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """A frame around each picture, in which it scrolls where the screen is too narrow to read it."""
    for picture in list(doctree.findall(lambda node: isinstance(node, nodes.image | imgsgnode))):
        alone = isinstance(picture.parent, nodes.paragraph) and len(picture.parent) == 1
        if alone or isinstance(picture, imgsgnode):
            block = picture.parent if alone else picture
            frame = nodes.container(classes=["picture"])
            block.replace_self(frame)
            frame += picture
