"""Commands that show on another terminal what is on the screen: the AWS CLI's and this console's own."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain import StackFacts


def aws(stack: StackFacts, *words: str) -> Sequence[str]:
    """A command of the AWS CLI: in the stack's region, as the profile that reads it, against the embedded cloud where
    that is the stack."""
    endpoint = ("--endpoint-url", stack.endpoint_url) if stack.endpoint_url else ()
    return ("aws", *words, "--region", stack.region, *_profile(stack), *endpoint)


def own(stack: StackFacts, *words: str) -> Sequence[str]:
    """A command of this console about the same stack."""
    if stack.endpoint_url:
        return ("cpaas-console", *words, "--endpoint-url", stack.endpoint_url)
    named = ("--stack", stack.stack, "--project", stack.project, "--region", stack.region)
    return ("cpaas-console", *words, *named, *_profile(stack))


def _profile(stack: StackFacts) -> Sequence[str]:
    return ("--profile", stack.profile) if stack.profile else ()
