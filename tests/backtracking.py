"""Finds regular expressions whose time grows faster than the length of the text.

An expression backtracks for a long time if some text can be divided between two of its loops in
many ways, as blanks between the two parts of `\\s*/?\\s*`. `long_search` looks for such loops in
the expression's structure, without running it, so its answer does not depend on the machine.

The expression becomes an automaton with a state for each character that it reads (Glushkov's
construction). Two loops p and q share a text if one word leads from p to p, from p to q and from q
to q (Weber and Seidl's criterion).
"""

from collections import Counter
from importlib import import_module
from itertools import product
from typing import Any, NamedTuple

_parser: Any = import_module("re._parser")
_compiler: Any = import_module("re._compiler")

SAMPLES = [*map(chr, range(0x180)), *"\u0660\u1680\u2003\u2028\u3000\ufeff\uff15\u4e2d\U0001f600"]
"""The characters that stand for all others."""
LOOP = 300
"""A repeat with this limit or a higher one counts as unlimited."""
COPIES = 3
"""How many times a limited repeat is written out. It is not a loop, so more copies add no
ambiguity."""
REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
LEAVES = {"LITERAL", "NOT_LITERAL", "IN", "ANY", "CATEGORY", "RANGE"}
LOOKS = {"ASSERT", "ASSERT_NOT"}


class Part(NamedTuple):
    """A part of an expression: the states that it may begin and end with."""

    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()
    is_optional: bool = True


class Automaton:
    def __init__(self, flags: int) -> None:
        self._flags = flags
        self.reads: list[int] = []
        """The samples that each state reads, one bit for each sample."""
        self.steps: Counter[tuple[int, int]] = Counter()
        """How many ways lead from one state directly to another."""
        self.looks: list[Any] = []
        """The expressions inside lookarounds. They are matched from the position of the
        lookaround."""

    def state(self, reads: int) -> Part:
        self.reads.append(reads)
        state = (len(self.reads) - 1,)
        return Part(state, state, False)

    def sequence(self, nodes: Any) -> Part:
        whole = Part()
        for node in nodes:
            whole = self._join(whole, self._part(*node))
        return whole

    def loop(self, part: Part) -> Part:
        self.steps.update(product(part.last, part.first))
        return part

    def _join(self, left: Part, right: Part) -> Part:
        self.steps.update(product(left.last, right.first))
        first = left.first + (right.first if left.is_optional else ())
        last = right.last + (left.last if right.is_optional else ())
        return Part(first, last, left.is_optional and right.is_optional)

    def _part(self, op: Any, value: Any) -> Part:
        name = str(op)
        if name in LEAVES:
            return self.state(self._samples(op, value))
        if name == "SUBPATTERN":
            return self.sequence(value[-1])
        if name == "ATOMIC_GROUP":
            return self.sequence(value)
        if name == "BRANCH":
            parts = [self.sequence(each) for each in value[1]]
            return Part(
                tuple(state for part in parts for state in part.first),
                tuple(state for part in parts for state in part.last),
                any(part.is_optional for part in parts),
            )
        if name in REPEATS:
            return self._repeat(*value)
        if name in LOOKS:
            self.looks.append(value[1])
            return Part()
        if name == "AT":
            return Part()
        raise ValueError(f"{name} is not supported: rewrite the expression, or extend this check.")

    def _repeat(self, low: int, high: int, nodes: Any) -> Part:
        looks = len(self.looks)
        if high < LOOP:
            return self._copies(min(low, COPIES), min(high, COPIES), nodes)
        before = self._copies(min(low, COPIES) - 1, min(low, COPIES) - 1, nodes)
        part = self.loop(self.sequence(nodes))
        if len(self.looks) > looks:
            raise ValueError("A lookaround inside of a loop is not supported.")
        return self._join(before, part._replace(is_optional=part.is_optional or low == 0))

    def _copies(self, low: int, high: int, nodes: Any) -> Part:
        """The third copy is optional inside the optional second one: x(x(x)?)?."""
        if high <= 0:
            return Part()
        one = self.sequence(nodes)
        both = self._join(one, self._copies(low - 1, high - 1, nodes))
        return both._replace(is_optional=both.is_optional or low <= 0)

    def _samples(self, op: Any, value: Any) -> int:
        state = _parser.State()
        leaf = _compiler.compile(_parser.SubPattern(state, [(op, value)]), self._flags)
        return sum(1 << bit for bit, sample in enumerate(SAMPLES) if leaf.match(sample))


def long_search(pattern: str | bytes, flags: int = 0, *, anywhere: bool = False) -> str | None:
    """Why a search may take more than linear time; None if it can't. `anywhere`: the expression is
    matched at every position (`search`, `findall`, `sub`), and not only at the first."""
    tree = _parser.parse(pattern, flags)
    return _long_search(tree, tree.state.flags, anywhere)


def _long_search(nodes: Any, flags: int, anywhere: bool) -> str | None:
    automaton = Automaton(flags)
    if anywhere:
        everything = automaton.loop(automaton.state((1 << len(SAMPLES)) - 1))
        automaton._join(everything._replace(is_optional=True), automaton.sequence(nodes))
    else:
        automaton.sequence(nodes)
    if any(count > 1 for count in automaton.steps.values()):
        return "a loop directly inside of a loop"
    if any(_shared_word(automaton, p, q) for p, q in _pairs_of_loops(automaton)):
        return "two loops that can read the same text"
    reasons = (_long_search(each, flags, anywhere) for each in automaton.looks)
    return next(filter(None, reasons), None)


def _pairs_of_loops(automaton: Automaton) -> list[tuple[int, int]]:
    states = range(len(automaton.reads))
    looping = [state for state in states if state in _reached(automaton, state)]
    return [(p, q) for p in looping for q in _reached(automaton, p) if q in looping and p != q]


def _reached(automaton: Automaton, start: int) -> set[int]:
    found: set[int] = set()
    waiting = [start]
    while waiting:
        state = waiting.pop()
        for one, other in automaton.steps:
            if one == state and other not in found:
                found.add(other)
                waiting.append(other)
    return found


def _shared_word(automaton: Automaton, p: int, q: int) -> bool:
    """Whether one word leads from p to p, from p to q and from q to q."""
    following: dict[int, list[int]] = {}
    for one, other in automaton.steps:
        following.setdefault(one, []).append(other)
    reads = automaton.reads
    found: set[tuple[int, ...]] = set()
    waiting: list[tuple[int, ...]] = [(p, p, q)]
    while waiting:
        state = waiting.pop()
        for step in product(*(following.get(each, []) for each in state)):
            if step not in found and reads[step[0]] & reads[step[1]] & reads[step[2]]:
                if step == (p, q, q):
                    return True
                found.add(step)
                waiting.append(step)
    return False


def hostile_texts(pattern: str | bytes, flags: int, length: int) -> list[str]:
    """Long texts of each kind of character that the expression reads, with an end that does not
    fit, and with a beginning that does."""
    automaton = Automaton(flags)
    automaton.sequence(_parser.parse(pattern, flags))
    kinds = {
        next(sample for bit, sample in enumerate(SAMPLES) if reads >> bit & 1)
        for reads in automaton.reads
        if reads
    }
    runs = [*sorted(kinds), " ", "0", "/", "a", "".join(sorted(kinds)), "12 ", "a.", "a@"]
    return [
        beginning + (run * length)[:length] + end
        for run in runs
        for beginning in ("", "1", "12", "a@", "t=1,")
        for end in ("", "x", "\x00", "é")
    ]
