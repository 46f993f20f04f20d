"""What the newspaper itself keeps of its articles: section, standfirst, author and picture."""

from importlib.resources import files
from typing import NamedTuple

from paywall.sandbox.article_files import ArticleFile, read_files

SECTIONS = ("river", "town", "money", "schools", "letters")
# The newest first: the front page shows these articles in this order, whatever else is published.
STORIES: dict[str, ArticleFile] = {file.id: file for file in reversed(read_files())}
PICTURES: dict[str, str] = {
    path.name: path.read_text("utf-8")
    for path in files("paywall.sandbox.site").joinpath("pictures").iterdir()
}


class Picture(NamedTuple):
    """A drawing, and what is on it in the words of the article's language."""

    url: str
    text: str


def picture_of(story: ArticleFile) -> Picture:
    return Picture(f"/pictures/{story.metadata.picture}.svg", story.metadata.picture_text)
