"""Sentences for five grades of opinion, in more combinations than there are posts."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["GRADES", "NEUTRAL", "OPINIONS", "sentences"]

GRADES: Final = 5
"""From strongly negative (0) over neutral (2) to strongly positive (4)."""


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.strip().split("\n"))


OPINIONS: Final = (
    _lines("""
{what} at {who} is a terrible failure, I am angry
I hate what {who} did with {what}, awful
{who} delivers a horrible result on {what}, worst I have seen
really disgusted by {who} and {what}, what a disaster
{what} at {who} looks dreadful, a complete fraud
miserable numbers from {who} on {what}, so disappointed
{who} fails again with {what}, bad and ugly
what a tragic turn in {what} for {who}, I fear a crash
"""),
    _lines("""
{who} has a problem with {what}
{what} at {who} looks weak
I doubt the story {who} tells on {what}
{who} is losing ground in {what}
somewhat worried about {what} at {who}
{what} turns out poor for {who}
I am not happy with {what} at {who}
{who} sounds nervous on {what}
"""),
    _lines("""
{who} publishes figures on {what}
{what} comes up in the notes on {who}
the next report of {who} covers {what}
{who} answers questions on {what}
reading the pages of {who} about {what}
{who} moves its date for {what}
a table on {what} from {who}
{who} says the same as before on {what}
"""),
    _lines("""
{who} looks good on {what}
a solid step by {who} in {what}
I like {what} at {who}
{what} gets better at {who}
nice work by {who} on {what}
{who} makes progress in {what}
fairly optimistic on {what} at {who}
{what} turns out useful for {who}
"""),
    _lines("""
{who} is doing a great job with {what}, I am really happy
I love what {who} shows in {what}, excellent
{who} delivers an amazing result in {what}, best I have seen
very impressed by {who} and {what}, wonderful people
{what} at {who} looks fantastic, a real success
superb numbers from {who} on {what}, so glad I looked
{who} wins with {what}, brilliant and strong
what a beautiful turn in {what} for {who}, I am delighted
"""),
)

_OPENERS: Final = _lines("""
Quick note:
After the morning call:
Reading the filing again:
From the floor of the trade show:
Third coffee of the day:
Out of my notebook:
Back at the desk:
Between two meetings:
On the train with the transcript:
Asked around at lunch:
For the record:
Short version:
Long thread, first part:
My view today:
Second look:
As of this hour:
From a phone, so in brief:
To answer a message:
Looked at the table once more:
Heard at the counter:
""")
_TOPICS: Final = _lines("""
the new warehouse
delivery times
the battery line
the regional offices
the spring catalogue
the order book
the service desk
the pricing page
unit costs
the second plant
the supplier list
the retail channel
the app update
the hiring plan
the lease in the north
the export desk
the test lab
the water permit
the monthly figures
the night shift
the packaging line
the training centre
the spare parts unit
the office move
""")
_TIMES: Final = _lines("""
since the last update
after the plant tour
this quarter
over the past weeks
since the year began
after the filing
compared with the spring
in the northern region
in the second half
since the new team came in
on the usual measures
as far as one can see
in plain numbers
next to its peers
by the latest count
after two site visits
""")
_TAILS: Final = _lines("""
Keeping my notes here.
Will look again next week.
What do others see?
More after the call.
Numbers in the link.
Sources are two people on site.
Not much else to add today.
Comments are open.
Part two tomorrow.
Writing this down for later.
Charts to follow.
Same view as on the other account.
Reply when you have figures.
Will post the table tonight.
That is all from me.
See the earlier thread.
""")
_DECORATIONS: Final = ("", "", "", " 📈", " 📉", " 👀", " #stocks", " #earnings", " ☕", " 🧾🧾")

NEUTRAL: Final = (_OPENERS, _TOPICS, _TIMES, _TAILS, _DECORATIONS)
"""Everything around an opinion; none of it says anything itself."""

_LINKED: Final = 0.3


def sentences(
    grades: NDArray[np.int64], subjects: Sequence[str], chance: np.random.Generator
) -> list[str]:
    """Return one post's text for each grade and whom it speaks of."""
    count = len(grades)

    def drawn(several: int) -> Any:
        return chance.integers(several, size=count).tolist()

    places = zip(
        grades.tolist(),
        subjects,
        drawn(len(OPINIONS[0])),
        *(drawn(len(parts)) for parts in NEUTRAL),
        _links(count, chance),
        strict=True,
    )
    texts = []
    for grade, who, opinion, opener, topic, time, tail, decoration, link in places:
        said = OPINIONS[grade][opinion].format(who=who, what=_TOPICS[topic])
        texts.append(
            f"{_OPENERS[opener]} {said} {_TIMES[time]}. {_TAILS[tail]}"
            f"{_DECORATIONS[decoration]}{link}"
        )
    return texts


def _links(count: int, chance: np.random.Generator) -> list[str]:
    """Return a link for some texts and nothing for the others."""
    linked = chance.random(count) < _LINKED
    numbers = chance.integers(16**9, 16**10, size=count).tolist()
    return [
        f" https://t.co/{number:x}" if one else ""
        for one, number in zip(linked.tolist(), numbers, strict=True)
    ]
