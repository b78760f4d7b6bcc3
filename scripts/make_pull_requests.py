#!/usr/bin/env python3
"""Writes assets/corpora/pull-requests.txt, the default corpus of NoPeek.

Run it from anywhere, with nothing but Python 3:

    python3 scripts/make_pull_requests.py            writes the corpus, then prints its figures
    python3 scripts/make_pull_requests.py --check    prints the figures of the committed file, and ends with
                                                     status 1 if the grammar would write a different one
    python3 scripts/make_pull_requests.py --out FILE writes elsewhere

The same grammar and seed give the same bytes everywhere: the only source of chance is random.Random(SEED).random().

A document is a little story of one to three sentences, one document a line, a blank line between two. The text has to be learnable by a
model of a few ten thousand weights and still leave it in doubt at most words. So the stories are few, each has its own people and its
own verbs, and everything that a story fixes early comes back later: the one who opened a pull request is the one who fixes it, a book
that was given is what gets read, `it` keeps to the thing that the story is about.
"""

import argparse
import math
import random
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

SEED = 1
TOKENS = 25_000
MAX_WORDS = 62  # the app adds two special tokens, and the lesson wants a vocabulary below 64
TARGET = Path(__file__).resolve().parent.parent / "assets" / "corpora" / "pull-requests.txt"

# The app shows this sentence as its probe, so it opens the corpus.
FIRST = "the agent opened a pull request for review . the teacher read it and asked for a test . the agent wrote the test ."

# Who plays a part. A number is a relative weight.
PARTS = {
    "maker": "9 agent, 4 engineer, 2 student, 1 writer, 1 team",
    "checker": "6 reviewer, 4 teacher, 2 team, 2 engineer, 1 student",
    "helper": "5 engineer, 3 team, 3 agent, 2 reviewer",
    "author": "6 writer, 4 student, 3 teacher, 1 agent",
    "reader": "5 student, 5 teacher, 2 reviewer, 2 writer, 1 agent",
    "guide": "6 teacher, 2 writer, 1 engineer",
    "pupil": "6 student, 3 agent, 2 team, 1 writer",
    "anyone": "4 student, 6 agent, 3 writer, 3 teacher, 2 engineer, 1 reviewer",
    "topic": "5 window, 4 book, 3 team, 3 poem, 2 letter, 2 lesson, 1 test, 1 bug",
    "work": "5 test, 4 pull request, 2 book, 2 lesson, 1 letter, 1 poem",
    "gift": "5 book, 4 letter, 3 poem",
}

# Story, its share, and the parts behind the capital letters of its rules. A letter is cast at its first use, keeps its player to the
# end of the document, and never doubles another letter's player or the story's own thing.
STORIES = """
pull     42   A maker     B checker   C maker
ticket   20   A maker     B helper    C checker
letter   13   A author    B reader    X topic
book     10   A reader    B author    X topic
poem      8   A author    B reader    X topic
test     12   A maker     B checker
bug      11   A maker     B helper    P work
window   12   A anyone    B helper    C reader
question 10   A pupil     B guide     X topic
lesson    9   A guide     B pupil     X topic
gift      8   A reader    B pupil     N gift
"""

# A name, and its ways of going on: a weight and words, one way a line or parted by |. <name> is replaced by one way, `-` is nothing.
RULES = """
pull:
  48 the A opened a <sizes> pull request <pull.for> . <pull.next>
  8 the B <judged.good> <which> pull request <pull.why> .
  5 the B closed <which> pull request because <bad> . <closed.end>
  6 the B who <saw> the pull request <saw.pull> .
  6 the A who opened the pull request <owner> .
  3 when the test passed the <A.or.B> <judged.good> the pull request .
  2 when the test failed the A <owner.failed> .
  3 the pull request was <judged.state> because <good> .
  2 the pull request was closed because <bad> .
  3 the A asked the B to review the pull request . <pull.read>
pull.for:
  30 for review | 14 for the B | 10 for the team | 5 and asked the B to <check> it | 6 and asked for a review
  5 because they found a bug | 4 because the B asked for it | 4 about the bug
pull.next:
  42 <pull.read> | 12 the test failed <fail.end> | 9 the test passed <and.judged> . | 5 it passed <and.judged> .
  4 it failed <fail.end> | 10 -
pull.read:
  28 the B read it and <verdict> | 14 the B reviewed it and <verdict> | 10 the B approved it <good.why> . <good.end>
  5 the B merged it <good.why> . <merged.end> | 8 the B found a bug in it . <bug.end>
  6 the B asked for a <kinds> test . <test.end> | 4 the B liked it but <bad> . <bug.end>
verdict:
  18 asked for a <kinds> test . <test.end> | 16 found a <newer> bug . <bug.end> | 13 approved it . <good.end>
  8 merged it . <merged.end> | 7 asked a question . the A answered it <and.judged> .
  6 asked the A <for.what> . <test.end> | 6 closed it <because.bad> . | 5 liked it . <good.end>
  4 gave it to the team . | 4 sent it to the A again .
for.what: 5 for a test | 4 for the test | 3 about it | 2 to test it
test.end:
  24 the A wrote <the.test> <and.ran> . | 8 the A wrote it <and.ran> . | 6 the A asked the B for it .
  5 the test <passed.failed> <again> . | 4 -
the.test: 14 the test | 6 a test | 4 a new test | 2 a good test
and.ran:
  14 - | 8 and it passed | 4 but it failed | 4 and the test passed | 6 and the B <judged.good> the pull request
  3 and sent it to the B
bug.end:
  18 the A fixed it <and.fixed> . | 12 the A fixed the bug <and.fixed> . | 5 the A closed <it.or.pull> .
  4 the A wrote a test for it . | 3 the B fixed it . | 3 -
and.fixed:
  16 - | 6 and the B <judged.good> <it.or.pull> | 4 and wrote a test | 3 and the test passed
  3 and asked for a <kinds> review | 2 and thanked the B
good.end:
  14 the A merged it <and.thanked> . | 9 the A thanked the B <for.review> . | 4 the team merged it .
  3 it was merged . | 12 -
merged.end: 8 the A thanked the B <for.review> . | 5 the A closed the ticket . | 4 the team liked it . | 8 -
and.thanked: 10 - | 5 and thanked the B | 3 and closed the ticket
for.review: 9 - | 4 for the review | 3 for it
fail.end:
  12 and the A fixed it . | 10 . the A fixed the bug <and.fixed> . | 7 but the B <judged.good> the pull request .
  6 . the A closed <it.or.pull> . | 5 because the A broke it . | 5 again .
good.why: 18 - | 6 because <good> | 5 and thanked the A | 3 and asked the A to read it again
and.judged: 14 - | 7 and the B <judged.good> it | 3 and the A thanked the B
closed.end: 9 - | 4 the A <thanked.or.opened> .
good: 9 the test passed | 6 it was <kind> | 4 they liked it | 3 the B liked it | 3 the A fixed the bug
bad: 8 the test failed | 5 it was long | 4 they found a bug
because.bad: 9 because <bad> | 4 again | 5 -
judged.state: 6 merged | 5 approved
judged.good: 7 approved | 5 merged
saw: 6 reviewed | 5 read
saw.pull:
  6 found a <newer> bug | 5 asked for a <kinds> test | 4 approved it | 3 merged it | 3 asked the A a question
  2 wrote a <kind> review | 2 liked it
owner: 7 fixed the bug | 5 wrote <the.test> | 4 closed it <again> | 3 thanked the B | 3 merged it | 2 asked for a review
owner.failed: 5 fixed it | 4 closed the pull request | 3 asked the B about it
thanked.or.opened: 5 opened it again | 4 asked for a review | 3 fixed it
which: 9 the | 2 a new | 2 a long
pull.why: 10 because <good> | 5 and thanked the A | 4 but the test failed | 4 from the A | 4 -
check: 6 review | 5 read | 3 test
passed.failed: 6 passed | 5 failed
A.or.B: 5 A | 6 B
it.or.pull: 7 it | 5 the pull request
again: 9 - | 4 again

ticket:
  40 the A opened a <sizes> ticket <ticket.for> . <ticket.next>
  6 the B closed <ticket.which> because <ticket.done> . <ticket.again>
  5 the B who read the ticket <ticket.found> .
  4 the A who opened the ticket <thanked.or.closed> .
  3 the ticket was closed because <ticket.done> .
  3 the A asked the B to read the ticket . the B <ticket.found> .
ticket.for:
  12 for the C | 12 for the B | 5 for the team | 8 because the test failed | 7 about <ticket.topic>
  4 because the <team.or.C> found a bug | 3 because the window broke | 6 -
ticket.topic: 6 the bug | 4 a new bug | 4 the test | 3 the window | 3 the pull request
team.or.C: 3 team | 3 C
ticket.next:
  18 the B read it and <ticket.found> . | 11 the B answered it <ticket.thanks> .
  10 the B closed it <ticket.reason> . <ticket.again> | 8 the B fixed the bug and closed <ticket.it> .
  5 the B <ticket.found> <and.closed> . | 5 the C asked the B to <read.or.answer> it . the B <ticket.found> .
  3 the C sent it to the B . | 3 it was closed again . | 7 -
ticket.found:
  9 found the bug | 7 fixed the bug | 4 opened a pull request | 4 asked the A a question | 3 found a bug in the test
  3 wrote a <kind> answer | 3 answered it | 3 closed it
ticket.done: 7 the test passed | 6 the bug was fixed | 5 it was <kind> | 3 they fixed the bug
ticket.reason: 9 because <ticket.done> | 6 - | 3 and thanked the A
ticket.again: 14 - | 7 the A opened it again .
ticket.which: 6 the ticket | 4 the ticket about the bug | 3 a <kind> ticket | 3 the ticket from the A
ticket.it: 5 the ticket | 5 it
and.closed: 9 - | 5 and closed the ticket
ticket.thanks: 10 - | 6 and the A closed it | 4 and closed it | 4 . the A thanked the B | 3 again
read.or.answer: 5 read | 4 answer
thanked.or.closed: 6 closed it again | 5 opened it again | 4 thanked the B | 4 found the bug | 2 fixed it

letter:
  24 the A wrote a <kinds> letter <letter.to> . <letter.read>
  20 the A sent a <kinds> letter <letter.to> . <letter.read>
  7 the A wrote a letter and sent it to the <B.or.team> . <letter.read>
  6 the B <opened.read> a <kinds> letter from the A and <letter.then>
  4 the B <opened.read> the letter from the A <again> .
  4 the B who opened the letter <liked.it> .
  3 the letter was for the B but the A opened it .
  3 the letter was <kind> and the B <liked.it> .
letter.to: 22 to the B | 10 to the B about the X | 8 about the X | 7 to the team | 5 -
B.or.team: 6 B | 4 team
opened.read: 5 opened | 6 read
letter.read:
  20 the B read it and <letter.then> | 13 the B opened it and <letter.then> | 7 the B <answered.it> . <answer.end>
  5 the B sent it to the team . | 4 the B asked about the X . | 8 -
letter.then:
  12 answered it . <answer.end> | 9 sent a <kind> answer . <answer.end> | 7 liked it . | 6 thanked the A .
  5 wrote a letter to the A . | 4 closed it again . | 4 gave it to the team .
answered.it: 5 answered it | 4 answered the letter | 3 sent the answer
answer.end: 16 - | 7 the A read the answer <and.liked> . | 4 the A liked <the.answer> . | 3 the A thanked the B <for.it> .
the.answer: 5 the answer | 4 it
and.liked: 7 - | 4 and liked it | 3 and wrote again
for.it: 5 - | 4 for it

book:
  26 the A read a <kinds> book <book.about> . <book.next>
  8 the A read the book from the B and <book.felt> .
  9 the B wrote a <kinds> book <book.for> . <book.read>
  5 the A who read the book <book.felt> .
  5 the A read the book <again> because <book.why> .
  4 the A opened the book and read it to the B .
  4 the A found a <kinds> book about the X . <book.next>
book.about: 18 about the X | 8 from the B | 6 and <book.felt> | 5 to the team | 6 -
book.for: 12 about the X | 5 for the team | 7 -
book.next:
  9 the A liked it <book.because> . | 8 the A read it again . | 6 the A gave it to the B <and.they> .
  5 the A wrote a <kind> letter to the B . | 4 the B read it and <book.felt> . | 4 it was <kind> . | 8 -
book.read: 9 the A read it and <book.felt> . | 5 the A liked it <book.because> . | 4 the team read it . | 5 -
book.because: 8 - | 6 because <book.why> | 3 but it was long
and.they: 6 - | 3 and they liked it
book.felt:
  9 liked it <book.because> | 6 gave it to the team | 5 wrote a <kind> review | 4 thanked the B | 4 found a bug in it
  3 wrote a poem about it
book.why: 7 it was <kind> | 5 it was about the X | 4 the B wrote it | 3 the B liked it

poem:
  24 the A wrote a <kinds> poem <poem.about> . <poem.next>
  6 the B read a poem from the A and <liked.it> .
  5 the B liked <poem.the> because it was <kind> .
  4 the A read a <kinds> poem about the X to the B .
  3 the A asked the B for a poem . the B wrote it .
poem.the: 5 the poem | 4 the poem about the X | 3 the poem from the A
poem.about: 16 about the X | 9 for the B | 5 for the team | 4 and <sent.read> it to the B | 4 -
sent.read: 5 sent | 5 read
poem.next:
  16 the B read it and <liked.it> . | 7 the A <sent.read> it to the B .
  5 the A sent it to the B . the B <liked.it> . | 5 the B <liked.it> . | 3 it was <kind> and they liked it . | 7 -
liked.it:
  9 liked it | 7 thanked the A | 4 asked about it | 4 asked for a new poem | 3 wrote a <kind> answer
  2 gave it to the team

test:
  26 the A wrote a <kinds> test <test.for> . <test.run>
  4 the test passed because the A fixed <bug.or.it> .
  3 the test failed because the A broke it .
  5 the B asked the A for a <kinds> test . the A wrote it <and.ran> .
  4 the A who wrote the test <owner.test> .
  4 the A broke the test <and.but> .
  3 the A fixed the test <and.passed> .
  5 the A wrote a <kinds> test and it passed . <passed.next>
  4 the A wrote a <kinds> test but it failed . <failed.next>
  3 when the test failed the A fixed it .
test.for: 16 for the pull request | 10 for the bug | 5 for the B | 4 and asked the B to review it | 5 -
bug.or.it: 6 the bug | 5 it
and.but: 6 - | 5 and the B fixed it | 4 but fixed it again
and.passed: 7 - | 5 and it passed
passed.next: 7 the B <judged.good> the pull request . | 4 the B thanked the A . | 4 -
failed.next: 7 the A <fixed.it> . | 4 the B <fixed.it.B> . | 4 -
fixed.it.B: 5 fixed it | 4 asked the A about it
owner.test: 6 found a bug | 5 fixed the bug | 4 thanked the B | 3 broke it
test.run:
  11 it failed and the A <fixed.it> . | 11 it passed and the B <judged.good> the pull request .
  6 the test passed <again> . | 6 the test failed <again> . | 5 the test failed but the B liked it .
  6 the B <read.reviewed> it and <it.ran> . | 5 the B fixed it . | 7 -
read.reviewed: 6 read | 5 reviewed
it.ran: 6 it passed | 4 it failed | 4 approved it | 3 asked for a new test
fixed.it: 6 fixed it | 5 fixed the bug | 4 asked the B about it | 3 wrote a new test | 3 opened a ticket

bug:
  30 the A found a <newer> bug in the P <bug.told> . <bug.next>
  5 the B who found the bug <fixed.broke> .
  5 the bug was in the P <bug.but> .
  4 the bug was new but the B <fixed.found> it .
  4 the A fixed the bug in the P . <bug.thanks>
  3 they found a bug in the P and the B fixed it .
bug.told: 18 - | 4 and opened a ticket | 4 and asked the B about it | 3 and fixed it | 3 again
bug.next:
  14 the B fixed it <again> . | 7 the B fixed the bug and the A thanked the B . | 6 the A opened a ticket <about.it> .
  5 the A fixed it and wrote a test . | 4 the B found it again . | 4 the A asked the B to <check> it .
  4 it was new . | 12 -
about.it: 5 about it | 5 for the B | 4 -
bug.but: 5 - | 4 and the B fixed it | 3 because the A broke it
bug.thanks: 6 the B thanked the A . | 4 the test passed . | 6 -
fixed.broke: 6 fixed it | 5 opened a ticket | 4 broke the P | 3 asked the A about it
fixed.found: 6 fixed | 4 found

window:
  18 the A opened <window.which> <window.why> . <window.next>
  9 the A closed <window.which> <window.why> . <window.shut>
  9 the A broke the window <window.how> . <window.broke>
  4 the window was closed <window.but> .
  4 the A who broke the window <sorry> .
  3 the B fixed the window for the C .
window.which: 9 the window | 10 a window | 2 a new window
window.why: 9 - | 4 for the C | 4 because the lesson was long | 4 and read a <kinds> book | 3 because the C asked for it
window.how: 9 - | 4 again | 3 and the C <sorry.asked>
sorry.asked: 5 fixed it | 4 asked about it | 3 wrote a letter
window.but: 5 because the A broke it | 5 but the A opened it | 4 again
window.next: 12 the C closed it <again> . | 5 the C thanked the A . | 4 the B closed it . | 3 the C read a <kinds> poem . | 9 -
window.shut: 9 the C opened it again . | 5 the C asked <A.about.it> . | 4 the B opened it . | 8 -
A.about.it: 5 the A about it | 4 about it
window.broke:
  10 the B fixed it <again> . | 7 the A <sorry> . | 5 the B fixed it and the A thanked the B .
  3 the C opened a ticket . | 5 -
sorry: 6 fixed it | 5 wrote a <kinds> letter to the C | 4 asked the B for a new window | 3 asked for a new window

question:
  24 the A asked the B a <kinds> question <question.about> . <question.next>
  9 the A asked a <kinds> question <question.about> . <question.next>
  5 the A asked the B about the X . <question.next>
  5 the A found the answer in a <kinds> book .
  6 when the A asked <about.x> the B <answered> .
  4 the B who answered the question <praise> .
  3 the question was <kind> but the B answered it .
question.about: 16 about the X | 10 -
question.next:
  16 the B answered it <question.end> . | 11 the B gave a <kind> answer <question.thanks> .
  6 the B found the answer in a <kinds> book . | 4 the B liked the question . | 4 the B asked the A <again> .
  3 the answer was <kind> . | 6 -
about.x: 6 - | 5 about the X
answered: 5 answered | 4 wrote a <kind> answer | 3 gave a lesson
question.end: 10 - | 6 and the A thanked the B | 4 but the A asked again | 3 again
question.thanks: 10 - | 6 and the A thanked the B | 3 but the A asked again
praise: 5 gave the A a book | 4 liked it | 4 thanked the A | 3 asked a new question

lesson:
  18 the A gave a <kinds> lesson <lesson.about> . <lesson.next>
  11 the A gave the B a <kinds> lesson about the X . <lesson.next>
  5 the B <liked.thanked> the lesson <lesson.about> because it was <kind> .
  4 the A asked the B to read for the lesson .
  3 the lesson was <kind> and the B liked it .
  3 the lesson was about the X . <lesson.next>
liked.thanked: 7 liked | 3 asked for
lesson.about: 14 about the X | 6 to the B | 4 for the team | 4 -
lesson.next:
  10 the B asked a <kinds> question and the A answered it . | 8 the B liked it <book.because.long> .
  6 the B thanked the A <for.it> . | 5 the B asked for a new lesson . | 5 the B wrote a poem about it .
  4 the B read a <kinds> book about the X . | 3 it was <kind> . | 8 -
book.because.long: 8 - | 4 because it was <kind> | 3 but it was long

gift:
  16 the A gave the B a <kinds> N . <gift.next>
  10 the A gave a <kinds> N to the <B.or.team> . <gift.next>
  6 the A sent the B a <kinds> N . <gift.next>
  4 the A who gave the N to the B liked it .
  3 the B asked the A for a N . the A <gave.sent> it to the B .
gave.sent: 5 gave | 4 sent
gift.next:
  12 the B read the N and <gift.then> . | 10 the B read it and <gift.then> . | 6 the B thanked the A <for.the.N> .
  5 the B <liked.it> . | 3 the B opened it . | 8 -
for.the.N: 5 for the N | 3 for it | 4 -
gift.then: 8 liked it | 6 thanked the A | 4 gave it to the team | 3 wrote a poem about it

kinds: 22 - | 4 new | 3 long | 3 good
sizes: 22 - | 4 new | 3 long
newer: 7 - | 3 new
kind: 5 good | 5 long | 4 new
"""

# The rules say `the team` without asking who plays already, so a sentence could have the team write to the team, or get it twice.
TWICE = re.compile(r"the team [^.]*the team|(to|for) the team .*(to|for) the team")


class Grammar:
    def __init__(self, rng):
        self.rng = rng
        self.parts = {name: [(float(w), who) for w, who in (e.strip().split(" ", 1) for e in line.split(","))]
                      for name, line in PARTS.items()}
        self.stories = []
        for line in STORIES.strip().splitlines():
            name, share, *cast = line.split()
            self.stories.append((float(share), (name, dict(zip(cast[::2], cast[1::2])))))
        self.rules = defaultdict(list)
        for line in filter(str.strip, RULES.splitlines()):
            if not line.startswith(" "):
                name, _, line = line.partition(":")
            for way in filter(str.strip, line.split("|")):
                weight, words = way.split(maxsplit=1)
                self.rules[name].append((float(weight), words.split()))

    def pick(self, ways):
        """One of [(weight, value)]; adds to `nats` how surprising the choice was."""
        total = sum(w for w, _ in ways)
        u = self.rng.random() * total
        for weight, value in ways:
            u -= weight
            if u < 0:
                break
        self.nats -= math.log(weight / total)
        return value

    def document(self):
        self.nats = 0.0
        story, cast = self.pick(self.stories)
        players = {}

        def expand(word):
            if word == "-":
                return
            if word.startswith("<"):
                for w in self.pick(self.rules[word[1:-1]]):
                    yield from expand(w)
            elif word in cast:
                if word not in players:
                    taken = set(players.values()) | {story}
                    players[word] = self.pick([e for e in self.parts[cast[word]] if e[1] not in taken])
                yield from players[word].split()
            else:
                yield word

        return " ".join(expand(f"<{story}>"))


def make():
    """The corpus, and the surprise of the choices behind it: about what a reader who knew the grammar would still pay."""
    grammar = Grammar(random.Random(SEED))
    documents, tokens, nats = [FIRST], len(FIRST.split()), 0.0
    while tokens < TOKENS:
        text = grammar.document()
        if text == documents[-1] or TWICE.search(text):
            continue
        documents.append(text)
        tokens += len(text.split())
        nats += grammar.nats
    return "\n\n".join(documents) + "\n", nats / (tokens + len(documents))  # a blank line is a token too


def pattern(sentence):
    """The sentence with its people, things and adjectives taken out."""
    sentence = re.sub(r"\b(agent|reviewer|teacher|student|engineer|writer|team)\b", "PERSON", sentence)
    sentence = re.sub(r"\b(pull request|ticket|letter|book|poem|test|bug|window|question|lesson)\b", "THING", sentence)
    return re.sub(r"\b(new|good|long)\b ", "", sentence)


class Ngram:
    """Interpolated n-gram (Witten-Bell): each length of context trusts its own counts as far as they go."""

    def __init__(self, order, stream, vocabulary):
        self.order, self.vocabulary = order, vocabulary
        self.after = defaultdict(Counter)
        for i, token in enumerate(stream):
            for n in range(order):
                if i >= n:
                    self.after[tuple(stream[i - n:i])][token] += 1
        self.total = {c: sum(f.values()) for c, f in self.after.items()}

    def p(self, context, token):
        p = 1 / self.vocabulary
        for n in range(min(self.order - 1, len(context)) + 1):
            c = tuple(context[len(context) - n:])
            if c not in self.total:
                break
            kinds = len(self.after[c])
            p = (self.after[c][token] + kinds * p) / (self.total[c] + kinds)
        return p


def held_out(documents, vocabulary, order, window):
    """Nats per token, five-fold, over windows as the batcher cuts them: the first token of a window is its only context."""
    loss = count = 0
    for fold in range(5):
        seen, kept = [], []
        for i, d in enumerate(documents):
            (kept if i % 5 == fold else seen).extend(d.split() + ["<eos>"])
        model = Ngram(order, seen, vocabulary)
        for start in range(0, len(kept) - window, window):
            for i in range(start + 1, start + window + 1):
                loss -= math.log(model.p(kept[max(start, i - order + 1):i], kept[i]))
                count += 1
    return loss / count


def report(text, nats):
    documents = text.rstrip("\n").split("\n\n")
    tokens = text.split()
    words = Counter(tokens)
    sentences = [s.strip() + " ." for d in documents for s in d.split(" .") if s.strip()]
    opened = Counter(t[3] for t in (m.split() for m in re.findall(r"agent opened a \w+", text)))
    print(f"{len(documents)} documents, {len(tokens)} tokens, {len(words)} distinct, {len(sentences)} sentences")
    print(f"{len(set(documents))} distinct documents, {len(set(sentences))} distinct sentences, "
          f"{len({pattern(s) for s in sentences})} distinct patterns")
    print("sentences a document:", dict(sorted(Counter(d.count(" .") for d in documents).items())))
    print("rarest words:", ", ".join(f"{w} {n}" for w, n in words.most_common()[-8:]))
    print("'agent opened a':", ", ".join(f"{w} {n}" for w, n in opened.most_common()))
    print(f"choices of the grammar: {nats:.2f} nats a token")
    for order in (3, 4, 6, 8):
        print(f"held-out {order}-gram: " + ", ".join(
            f"{held_out(documents, len(words) + 2, order, w):.2f} in windows of {w}" for w in (12, 16, 32)))
    assert text.startswith("the agent opened a pull request for review . the teacher read ")
    assert len(words) < MAX_WORDS and len(tokens) >= 20_000, "vocabulary or length out of bounds"
    assert all(1 <= d.count(" .") <= 3 and d.endswith(" .") and "\n" not in d and ". ." not in d for d in documents)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, compare with the file")
    parser.add_argument("--out", type=Path, default=TARGET)
    args = parser.parse_args()
    text, nats = make()
    report(text, nats)
    if args.check:
        if args.out.read_bytes() != text.encode():
            sys.exit(f"{args.out} is not what the grammar writes; run {Path(__file__).name}")
    else:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_bytes(text.encode())


if __name__ == "__main__":
    main()
