"""Texts that would take over a terminal, a widget or a spreadsheet if anything but text were made of them.

Each begins with a number of its own, by which a test finds it again on the screen.
"""

from __future__ import annotations

import base64
import random
import re

ESC, BEL, ST = "\x1b", "\x07", "\x1b\\"
TAG = re.compile(r"h(\d{5})h")
EVIL = "evil"
_EVIL = base64.b64encode(EVIL.encode()).decode()
BREAKS = (
    f"{ESC}]0;owned{BEL}",
    f"{ESC}]2;owned{ST}",
    f"{ESC}]8;;http://evil.example{BEL}click{ESC}]8;;{BEL}",
    f"{ESC}]52;c;{_EVIL}{BEL}",
    f"{ESC}]52;c;?{ST}",
    f"{ESC}]9;owned{BEL}",
    f"{ESC}]1337;File=name=x;inline=1:{_EVIL}{BEL}",
    f"{ESC}[6n",
    f"{ESC}[c",
    f"{ESC}[2J{ESC}[H",
    f"{ESC}[?1049l",
    f"{ESC}[8;1;1t",
    f"{ESC}[200~q{ESC}[201~",
    f"{ESC}[31;1m",
    f"{ESC}P1$r0m{ST}",
    f"{ESC}P+q544e{ST}",
    f"{ESC}_Ga=T;{_EVIL}{ST}",
    f"{ESC}^private{ST}",
    f"{ESC}c",
    f"{ESC}#8",
    f"{ESC}(0",
    f"{ESC}7{ESC}8",
    "\x9b31m",
    "\x9d52;c;ZXZpbA==\x9c",
    "\x90q\x9c",
    "\x84\x85\x8d",
    "\x00\x01\x02\x03\x04\x05",
    "\x07\x08\x0b\x0c\x0e\x0f",
    "\x7f\x7f",
    "\r\rover",
    "\nnew\nlines\r\n",
    "\t\ttabs",
    "[/nope]",
    "[@click=app.quit]here[/]",
    "[@click=app.export]x[/]",
    "[b]bold",
    "[link=http://evil.example]x[/link]",
    "[red on blue]",
    "\\[escaped]",
    "$text-alarm $primary",
    "{stack} {0} {}",
    "%s %d %(x)s",
    '=HYPERLINK("http://evil.example")',
    "@SUM(1+1)|cmd",
    "'; rm -rf /; echo '",
    "$(reboot) `reboot`",
    "\u202e\u202dgnp.exe\u2066\u2069",
    "\u200b\u200c\u200d\u2060\ufeff",
    "Z" + "\u0300\u0301\u0302\u0303\u0304" * 40,
    "\u3164\u115f\uffa0",
    "全角文字テスト",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "\U0001f3f4\U000e0067\U000e0062\U000e007f",
    "\ud800\udfff\udc00",
    "\ue000\uf8ff\U0010ffff",
    "\u2028\u2029",
    "x" * 5_000,
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e2\u05d1\u05e8\u05d9\u05ea",
    "</text></svg><script>alert(1)</script>",
    "&lt;&amp;\"'",
)
"""One of each kind that is known to break something."""
ALPHABET = "".join(map(chr, [*range(0x30), *range(0x7F, 0xA0), 0x1B, 0x5B, 0x5D, 0x200F, 0x2067]))


def corpus(number: int, seed: int = 17) -> tuple[str, ...]:
    """`number` different texts: each kind alone, in pairs, cut off in the middle, and among random control characters.

    Equal seeds give equal texts.
    """
    rng = random.Random(seed)
    return tuple(f"h{place:05d}h{_text(rng, place)}" for place in range(number))


def _text(rng: random.Random, place: int) -> str:
    if place < len(BREAKS):
        return BREAKS[place]
    first, second = rng.choice(BREAKS), rng.choice(BREAKS)
    noise = "".join(rng.choices(ALPHABET, k=rng.randint(0, 12)))
    return rng.choice(
        (
            first + second,
            first[: rng.randint(0, len(first))] + second,
            noise + first + noise,
            f"a{first}b{noise}c{second}",
            f"{first}{second}{noise}"[:: rng.choice((1, -1))],
        )
    )


def tags(text: str) -> set[int]:
    """The numbers of the texts that are seen in `text`."""
    return {int(each) for each in TAG.findall(text)}
