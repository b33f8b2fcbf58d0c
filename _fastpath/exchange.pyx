"""An exchange of lines: the compiled build. The manual is exchange.pyi, the oracle exchange_py.py.

Theory of operation: that of the oracle, line by line. What is won is Python's own work between a piece that comes in and
the line that goes out, which on a quick event loop is as much as all the rest.
"""

from _fastpath.exchange_py import CommandError
from _fastpath.exchange_py import command_line as unusual_line

cdef double NEVER = float("inf")


cdef class Exchange:
    """One side of a connection on which each line sent is answered before the next."""

    cdef:
        object _loop, _transport, _due
        frozenset _verbs
        dict _answers
        list _turns
        bint _is_quick
        double _patience_s
        Py_ssize_t _limit
        public bint is_between_lines, is_out, is_taken
        public double late_at
        public str late_what, end_reason
        object __weakref__

    def __class_getitem__(cls, types):
        return cls

    def __init__(self, loop, verbs, answers, patience_ms, limit):
        self._loop, self._verbs, self._answers = loop, verbs, answers
        self._patience_s, self._limit = patience_ms / 1_000, limit
        self._turns = []
        self._is_quick = self.is_out = self.is_taken = False
        self.is_between_lines = True
        self.late_at, self.late_what = NEVER, ""
        self.end_reason = ""

    def connect(self, transport):
        self._transport = transport

    def command(self, str verb not None, *words, long lasts_ms=0):
        assert verb in self._verbs, f"unknown command {verb}"
        if self.is_taken or self.end_reason:
            return self.command_in_turn(verb, words, lasts_ms)
        return self._send(command_line(verb, words, self._limit), verb, lasts_ms, True)

    def send(self, bytes line not None, str what not None, long lasts_ms, *, bint plain=True):
        return self._send(line, what, lasts_ms, plain)

    cdef object _send(self, bytes line, str what, long lasts_ms, bint plain):
        due = self._loop.create_future()
        self._due = due
        self.is_taken = self.is_out = True
        self._is_quick = plain and self.is_between_lines
        self.late_what = what
        self.late_at = <double>self._loop.time() + lasts_ms / 1_000.0 + self._patience_s
        self._transport.write(line)
        return due

    def data_received(self, bytes data not None):
        if self._is_quick:
            answer = self._answers.get(data)
            if answer is not None:
                self.answered(answer)
                return
            self._is_quick = False
        self.unusual(data)

    cpdef answered(self, answer):
        self._is_quick = self.is_out = False
        self.late_at = NEVER
        if self._due is not None and not self._due.done():
            self._due.set_result(answer)
        self.pass_turn()

    def wait_for_turn(self):
        turn = self._loop.create_future()
        self._turns.append(turn)
        return turn

    cpdef pass_turn(self):
        while self._turns:
            turn = self._turns.pop(0)
            if not turn.done():
                turn.set_result(None)
                return
        self.is_taken = False

    def give_up(self, str reason not None):
        self.end_reason = reason
        self._is_quick = False
        self.late_at = NEVER
        if self._due is not None:
            self._due.cancel()
        while self._turns:
            self.pass_turn()

    def command_in_turn(self, verb, words, lasts_ms):
        raise NotImplementedError

    def unusual(self, data):
        raise NotImplementedError


cpdef bytes command_line(str verb, tuple words, Py_ssize_t limit):
    cdef str text
    cdef bytes line
    if not words:
        return unusual_line(verb, words, limit)
    text = '" "'.join([word if type(word) is str else str(word) for word in words])
    if not (text.isascii() and text.isprintable()) or "\\" in text or text.count('"') != 2 * len(words) - 2:
        return unusual_line(verb, words, limit)
    line = (verb + ' "' + text + '"\n').encode()
    return line if len(line) <= limit else unusual_line(verb, words, limit)
