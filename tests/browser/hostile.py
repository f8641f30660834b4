"""200 names and texts that a page must not take for anything but letters."""

from __future__ import annotations

from random import Random

_MARKUP = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    "<svg onload=alert(3)>",
    '"><b onmouseover=alert(4)>',
    "javascript:alert(5)",
    "{{constructor.constructor('alert(6)')()}}",
    "${alert(7)}",
    "&lt;b&gt;&amp;&#x27;",
    "<style>*{display:none}</style>",
    "<iframe srcdoc='<p>8'>",
    "'; alert(9); '",
    "</bdi></td></table>",
    "<a href=javascript:alert(10)>x",
    "<base href=x>",
    "<!--",
    "]]>",
    "<math><mtext><style><img src=x onerror=alert(11)>",
    "__proto__",
    "constructor",
    "%3Cimg src=x onerror=alert(12)%3E",
)
_LETTERS = (
    "\u202egnp.\u202c",
    "\u2066\u2067\u2068",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "\u05e2\u05d1\u05e8\u05d9\u05ea",
    "e" + "\u0301" * 60,
    "\N{PILE OF POO}\u200d\N{PILE OF POO}",
    "\u200b\u200c\ufeff",
    "Z\u0351\u036b\u0343\u036a\u0302",
    "\uff21\uff22\ufdfd",
    "\u3000\u00a0",
)
COUNT = 200
LONGEST = 1_024
FOLDER = "hostile/"


def names() -> list[str]:
    """Names of blobs, all different; one in ten has the greatest length."""
    chance = Random(15)
    found = []
    for number in range(COUNT):
        parts = [chance.choice(_MARKUP), chance.choice(_LETTERS), chance.choice(_MARKUP)]
        chance.shuffle(parts)
        # A blob's name has no empty segment and does not end in a dot or a slash; a backslash becomes a slash.
        middle = (
            "".join(parts).replace("//", "/ /").replace("/", "\u2215").replace("?", "\uff1f").replace("#", "\uff03")
        )
        name = f"{FOLDER}{number:03d}{middle}"
        if number % 10 == 0:
            name = (name * LONGEST)[: LONGEST - 4]
        found.append(f"{name[: LONGEST - 4]}.txt")
    return found


def texts() -> list[str]:
    chance = Random(16)
    return [" ".join(chance.choices(_MARKUP + _LETTERS, k=12)) + " about billing" for _ in range(COUNT)]
