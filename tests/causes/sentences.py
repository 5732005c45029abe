"""Sentences of a page: the text of each of its blocks, as a reader sees it."""

from html.parser import HTMLParser

BLOCKS = frozenset(
    {
        *("body", "button", "dd", "div", "dt", "form", "h1", "h2", "h3", "header", "label", "li", "main", "nav", "ol"),
        *("option", "p", "section", "select", "summary", "table", "tbody", "td", "textarea", "th", "thead", "title"),
        *("tr", "ul"),
    }
)
BLOCK_CLASSES = frozenset({"chip", "second", "table__second"})  # of elements that a style sheet makes blocks
HIDDEN = frozenset({"script", "style", "svg"})
VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "use", "wbr"})


class SentenceReader(HTMLParser):
    """Collects the blocks' texts. A relative time is `TIME`."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.sentences: list[str] = []
        self.text = ""
        self.open: list[tuple[str, str]] = []  # elements with their kinds: "block", "hidden", "time" or "inline"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        classes = set((dict(attrs).get("class") or "").split())
        kind = self._find_kind(tag, classes)
        if kind == "block":
            self._end_sentence()
        if kind == "time":
            self.text += "TIME"
        self.open.append((tag, kind))

    def _find_kind(self, tag: str, classes: set[str]) -> str:
        if tag in HIDDEN or "visually-hidden" in classes:
            return "hidden"
        if tag == "time":
            return "time"
        return "block" if tag in BLOCKS or classes & BLOCK_CLASSES else "inline"

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            name, kind = self.open.pop()
            if kind == "block":
                self._end_sentence()
            if name == tag:
                return

    def handle_data(self, data: str) -> None:
        if not any(kind in ("hidden", "time") for _, kind in self.open):
            self.text += data

    def _end_sentence(self) -> None:
        if sentence := " ".join(self.text.split()):
            self.sentences.append(sentence)
        self.text = ""


def read_sentences(html: str) -> list[str]:
    reader = SentenceReader()
    reader.feed(html)
    reader.close()
    return reader.sentences
