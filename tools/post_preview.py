"""Posts a preview as one comment of a pull request, and edits that comment when there is one already.

The pull request's number comes from an artifact of its own run, so it is believed only if that pull request is open
and at the commit of the run. Environment, as GitHub Actions sets it: GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN
(with `pull-requests: write`). Exit codes: 0 posted, or there is nothing to post to any more; 1 refused.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARKER = "<!-- cpaas-preview "
AUTHOR = "github-actions[bot]"
MAX_CHARACTERS = 65_536
"""The longest comment (GitHub REST API, "Create an issue comment", answers 422 above)."""

PAGE = 100
MAX_PAGES = 50
TIMEOUT_SECONDS = 30.0


class PostError(RuntimeError):
    """The comment could not be posted; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository of GitHub's API."""

    api: str
    name: str
    token: str

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One call; raises `PostError` with GitHub's own words."""
        request = urllib.request.Request(  # noqa: S310 - the address is GitHub's own, from the runner
            f"{self.api}/repos/{self.name}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = " ".join(error.read(300).decode("utf-8", "replace").split())
            raise PostError(f"{method} {path} answered {error.code}: {said}") from error
        except (OSError, ValueError) as error:
            raise PostError(f"{method} {path} failed: {error}") from error

    def comments(self, number: int) -> Iterator[dict[str, Any]]:
        """The comments of a pull request, oldest first."""
        for page in range(1, MAX_PAGES + 1):
            found = self.ask("GET", f"issues/{number}/comments?per_page={PAGE}&page={page}")
            yield from found
            if len(found) < PAGE:
                return


def post(repository: Repository, number: int, head: str, text: str) -> str:
    """Post or edit the comment; answers what was done, in words."""
    first_line = text.partition("\n")[0]
    if not first_line.startswith(MARKER) or len(text) > MAX_CHARACTERS:
        raise PostError("the comment is no preview, or too long for GitHub")
    pull_request = repository.ask("GET", f"pulls/{number}")
    if pull_request["head"]["sha"] != head:
        return f"pull request {number} is not at {head} (any more): nothing to post"
    if pull_request["state"] != "open":
        return f"pull request {number} is closed: nothing to post"
    for comment in repository.comments(number):
        if comment["user"]["login"] == AUTHOR and comment["body"].partition("\n")[0].strip() == first_line.strip():
            repository.ask("PATCH", f"issues/comments/{int(comment['id'])}", {"body": text})
            return f"edited the comment of pull request {number}"
    repository.ask("POST", f"issues/{number}/comments", {"body": text})
    return f"commented on pull request {number}"


def pull_request_number(path: Path) -> int:
    """The number in a file that a stranger wrote."""
    text = path.read_text(encoding="utf-8", errors="replace")[:20].strip()
    if not text.isascii() or not text.isdecimal():
        raise PostError(f"{path} holds no number of a pull request")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Post as the arguments say."""
    parser = argparse.ArgumentParser(description="Posts a preview as one comment of a pull request.")
    parser.add_argument("--comment", type=Path, required=True, metavar="FILE", help="markdown of the preview")
    parser.add_argument("--pull-request", type=Path, required=True, metavar="FILE", help="file with the number")
    parser.add_argument("--head", required=True, metavar="SHA", help="commit that was previewed")
    options = parser.parse_args(arguments)
    try:
        repository = Repository(
            os.environ.get("GITHUB_API_URL", "https://api.github.com"),
            os.environ["GITHUB_REPOSITORY"],
            os.environ["GITHUB_TOKEN"],
        )
        text = options.comment.read_text(encoding="utf-8")
        done = post(repository, pull_request_number(options.pull_request), options.head, text)
    except KeyError as error:
        sys.stderr.write(f"post_preview: {error} is not set or was not answered\n")
        return 1
    except (PostError, OSError) as error:
        sys.stderr.write(f"post_preview: {error}\n")
        return 1
    sys.stdout.write(f"{done}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
