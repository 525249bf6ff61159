"""Revisions of the project: which one to compare with, and its files."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

DEFAULT_BRANCHES = ("origin/main", "main")
GIT_SECONDS = 60.0


class RevisionError(RuntimeError):
    """The repository cannot answer; the message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit, and why it was chosen."""

    commit: str
    why: str

    @property
    def short(self) -> str:
        """As people write it."""
        return self.commit[:10]


def project(directory: Path) -> Path:
    """The project's directory: `directory` itself; raises `RevisionError` where no program can be there."""
    if not (directory / "Pulumi.yaml").is_file() or not (directory / "__main__.py").is_file():
        raise RevisionError(f"there is no program in {directory}; start from the directory of Pulumi.yaml")
    _git(directory, "rev-parse", "--show-toplevel")
    return directory


def head(root: Path) -> Revision:
    """What is in the work tree: HEAD, or HEAD with changes."""
    changed = " with uncommitted changes" if is_dirty(root) else ""
    return Revision(commit(root, "HEAD"), f"the work tree{changed}")


def is_dirty(root: Path) -> bool:
    """Whether tracked files differ from HEAD; what git does not know yet is no change."""
    return bool(_git(root, "status", "--porcelain", "--untracked-files=no", "--", ".").strip())


def chosen(root: Path, against: str | None) -> Revision:
    """The revision to compare with: the one asked for, else HEAD where the work tree has uncommitted changes, else
    where this branch left the default branch."""
    if against is not None:
        return Revision(commit(root, against), against)
    if is_dirty(root):
        return Revision(commit(root, "HEAD"), "HEAD, because the work tree has uncommitted changes")
    for branch in DEFAULT_BRANCHES:
        if _succeeds(root, "rev-parse", "--verify", "--quiet", f"{branch}^{{commit}}"):
            return Revision(_git(root, "merge-base", "HEAD", branch).strip(), f"where this branch left {branch}")
    raise RevisionError(
        f"there is no branch {' or '.join(DEFAULT_BRANCHES)} to compare with; name a revision with --against"
    )


def commit(root: Path, revision: str) -> str:
    """The full name of the commit that `revision` means."""
    if not revision or revision.startswith("-"):
        raise RevisionError(f"{revision!r} is no revision; name a commit, a branch or a tag")
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
    except RevisionError as error:
        raise RevisionError(
            f"there is no revision {revision!r} here; in a shallow clone fetch it first (git fetch origin <commit>)"
        ) from error


def extract(root: Path, revision: Revision, into: Path) -> None:
    """Put the files of a revision, as they were committed, into an empty directory."""
    archive = _run(root, "archive", "--format=tar", revision.commit)
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(into, filter="data")
    except tarfile.TarError as error:
        raise RevisionError(f"the files of {revision.short} cannot be unpacked safely ({error})") from error


def _git(root: Path, *arguments: str) -> str:
    return _run(root, *arguments).decode("utf-8", "replace")


def _succeeds(root: Path, *arguments: str) -> bool:
    try:
        _run(root, *arguments)
    except RevisionError:
        return False
    return True


def _run(root: Path, *arguments: str) -> bytes:
    git = shutil.which("git")
    if git is None:
        raise RevisionError("git is not installed here; a preview compares two revisions")
    try:
        done = subprocess.run([git, *arguments], cwd=root, capture_output=True, timeout=GIT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise RevisionError(f"git {arguments[0]} took more than {GIT_SECONDS:.0f} s; is the disk well?") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise RevisionError(f"git {arguments[0]} failed{f': {said}' if said else ''}")
    return done.stdout
