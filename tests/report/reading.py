"""A page as a browser takes it."""

from html.parser import HTMLParser


class Read(HTMLParser):
    """Elements with their attributes, addresses, and the text that is seen."""

    def __init__(self, page: str):
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def addresses(self) -> list[str]:
        return [attrs[key] for _, attrs in self.elements for key in ("href", "src") if key in attrs]
