# cython: boundscheck=False, wraparound=False
"""An exchange of lines: the compiled build. The manual is exchange.pyi, the oracle exchange_py.py.

Theory of operation. Three things are won over the oracle, which on a quick event loop cost as much as all the rest:

* A line is rendered into a buffer on the stack and sent from there.
* An `Answer` is what `command` gives: the least that can be awaited. It makes a future only where a task of asyncio's
  comes upon it.
* A `Driver` runs the coroutine that talks (`drive`). It stands between a task and the coroutine: where the coroutine
  waits for an answer of this very exchange, the driver lets the task wait for a future of its own (`_parked`) and, when
  a usual answer comes, resumes the coroutine itself, in that task's name and context, so that the next line is out
  before the next piece of another connection is read. The task sleeps through all of it. It is woken when the coroutine
  comes to an end, or waits for anything else, which the driver then hands on to it; when it is cancelled; and by an
  answer that is not usual, whose piece may say more that has to be seen first, such as a hang-up.

So a coroutine is resumed by its task or by a turn of the reactor, never by both: by the latter only while `_parked`
waits, and what ends that wait is a step of the task.
"""

import asyncio
from asyncio.tasks import _enter_task as enter_task
from asyncio.tasks import _leave_task as leave_task

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject

from _fastpath.exchange_py import CommandError
from _fastpath.exchange_py import command_line as unusual_line
from _fastpath.reactor cimport Connection
from _fastpath.rendering cimport render

cdef extern from "Python.h":
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1
    int PyIter_Send(object coroutine, object value, PyObject **given) except -1
    void Py_DECREF(PyObject *thing)
    void Py_INCREF(object thing)

cdef extern from *:
    """
    #define stop_with(value) PyErr_SetObject(PyExc_StopIteration, value)
    #define set_next_of(type, function) (((PyTypeObject *)(type))->tp_iternext = (iternextfunc)(function))
    """
    void stop_with(object value) noexcept
    void set_next_of(object type, PyObject *(*function)(PyObject *) except? NULL) noexcept

cdef enum:
    LINE_ROOM = 1_024  # bytes of a line that is rendered here

cdef double NEVER = float("inf")


@cython.final
@cython.freelist(64)
cdef class Answer:
    """What a line will have been answered."""

    cdef:
        Exchange _exchange
        object _value
        list _waiting  # a future for each task of asyncio's that waits
        bint _is_there, _is_cancelled

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self._next()

    cdef object _next(self):
        cdef Driver driver
        if self._is_there:
            raise StopIteration(self._value)
        if self._is_cancelled:
            raise asyncio.CancelledError
        driver = self._exchange._driver
        if driver is not None and driver._is_stepping:
            return self  # to the driver
        future = self._exchange._loop.create_future()
        future._asyncio_future_blocking = True
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(future)
        return future

    cdef int _wake(self) except -1:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        return 0


cdef PyObject *next_of(PyObject *it) except? NULL:
    """`Answer.__next__` without an exception and its traceback where the answer is there, as a generator does it."""
    cdef Answer answer = <Answer>it
    if answer._is_there and not isinstance(answer._value, (tuple, BaseException)):
        stop_with(answer._value)
        return NULL
    given = answer._next()
    Py_INCREF(given)
    return <PyObject *>given


set_next_of(Answer, next_of)


@cython.final
cdef class Driver:
    """Runs a coroutine for a task that awaits this."""

    cdef:
        Exchange _exchange
        object _coroutine, _context, _task
        object _parked  # the future for which the task waits while the coroutine waits for `_answer`
        Answer _answer
        object _given  # what the coroutine waits for, if it is anything else: to be handed on to the task
        object _result, _error
        bint _is_stepping, _has_given, _is_over

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        if self._task is None:
            self._task = asyncio.current_task()
        if not (self._is_over or self._has_given):
            self._step()
        return self._outcome()

    def send(self, _value):
        return self.__next__()

    def throw(self, kind, value=None, trace=None):
        error = kind if isinstance(kind, BaseException) else kind() if value is None else value
        if self._has_given and self._given is not None and isinstance(error, asyncio.CancelledError):
            if self._given.cancel(*error.args):  # as the task would have done, had it known of it
                return self._outcome()
        if not self._is_over:
            self._has_given, self._given = False, None
            self._throw(error)
        return self._outcome()

    def close(self):
        if self._coroutine is not None:
            self._coroutine.close()
        self._end(None, None)

    cdef object _outcome(self):
        """What the task is told after a step."""
        self._parked = None
        if self._is_over:
            if self._error is None:
                raise StopIteration(self._result)
            error, self._error = self._error, None
            raise error
        if self._has_given:
            given, self._given, self._has_given = self._given, None, False
            return given
        self._parked = self._exchange._loop.create_future()
        self._parked._asyncio_future_blocking = True
        return self._parked

    cdef int _step(self) except -1:
        """Let the coroutine run until it waits again."""
        cdef PyObject *given = NULL
        cdef int how
        self._answer, self._is_stepping = None, True
        try:
            how = PyIter_Send(self._coroutine, None, &given)
        except BaseException as error:
            self._end(None, error)
            return 0
        finally:
            self._is_stepping = False
        self._take(<object>given, how == 0)
        Py_DECREF(given)
        return 0

    cdef int _throw(self, error) except -1:
        self._answer, self._is_stepping = None, True
        try:
            given = self._coroutine.throw(error)
        except StopIteration as stop:
            self._end(stop.value, None)
            return 0
        except BaseException as raised:
            self._end(None, raised)
            return 0
        finally:
            self._is_stepping = False
        self._take(given, False)
        return 0

    cdef int _take(self, given, bint is_result) except -1:
        if is_result:
            self._end(given, None)
        elif type(given) is Answer:
            self._answer = <Answer>given
        else:
            self._given, self._has_given = given, True
        return 0

    cdef int _end(self, result, error) except -1:
        self._result, self._error, self._is_over = result, error, True
        self._exchange._driver = self._coroutine = self._context = self._task = None
        return 0

    cdef int _resume(self) except -1:
        """Step in the task's place."""
        cdef object context = self._context, task = self._task, loop = self._exchange._loop
        if self._parked is None or self._parked.done():
            return 0  # the task comes, cancelled perhaps
        PyContext_Enter(context)
        try:
            enter_task(loop, task)
            try:
                self._step()
            finally:
                leave_task(loop, task)
        finally:
            PyContext_Exit(context)
        if self._answer is None:
            self._wake()
        return 0

    cdef int _wake(self) except -1:
        """Let the task step."""
        if self._parked is not None and not self._parked.done():
            self._parked.set_result(None)
        return 0


cdef class Exchange(Connection):
    """One side of a connection on which each line sent is answered before the next."""

    cdef:
        object _loop
        Answer _due
        Driver _driver
        frozenset _verbs
        dict _answers
        list _turns
        bint _is_quick
        double _patience_s
        Py_ssize_t _limit
        public bint is_between_lines, is_out, is_taken
        public double late_at
        public str late_what, end_reason

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

    def command(self, str verb not None, *words, long lasts_ms=0):
        cdef char line[LINE_ROOM]
        cdef Py_ssize_t size
        assert verb in self._verbs, f"unknown command {verb}"
        if self.is_taken or self.end_reason:
            return self.command_in_turn(verb, words, lasts_ms)
        size = render(line, min(LINE_ROOM, self._limit), verb, words)
        if size >= 0:
            return self._send(line, size, verb, lasts_ms, True)
        return self.send(unusual_line(verb, words, self._limit), verb, lasts_ms)

    def send(self, bytes line not None, str what not None, long lasts_ms, *, bint plain=True):
        return self._send(PyBytes_AS_STRING(line), PyBytes_GET_SIZE(line), what, lasts_ms, plain)

    cdef Answer _send(self, const char *line, Py_ssize_t size, str what, long lasts_ms, bint plain):
        cdef Answer due = Answer.__new__(Answer)
        due._exchange = self
        self._due = due
        self.is_taken = self.is_out = True
        self._is_quick = plain and self.is_between_lines
        self.late_what = what
        self.late_at = <double>self._loop.time() + lasts_ms / 1_000.0 + self._patience_s
        self.put(line, size)
        return due

    cdef int take(self, const char *data, Py_ssize_t size) except -1:
        self._hear(PyBytes_FromStringAndSize(data, size), True)
        return 0

    def data_received(self, bytes data not None):
        self._hear(data, False)  # by a task, perhaps: two cannot run at once

    cdef int _hear(self, bytes data, bint is_turn) except -1:
        if self._is_quick:
            answer = self._answers.get(data)
            if answer is not None:
                self._answered(answer, is_turn)
                return 0
            self._is_quick = False
        self.unusual(data)
        return 0

    def answered(self, answer):
        self._answered(answer, False)

    cdef int _answered(self, answer, bint is_turn) except -1:
        """Give an answer to who asked; in a turn of the reactor to the coroutine itself."""
        cdef Answer due = self._due
        cdef Driver driver = self._driver
        self._is_quick = self.is_out = False
        self.late_at = NEVER
        if due is not None:
            self._due = None
            due._value, due._is_there = answer, True
            if due._waiting is not None:
                due._wake()
        self._pass_turn()
        if driver is not None and due is not None and driver._answer is due:
            if is_turn:
                driver._resume()
            else:
                driver._wake()
        return 0

    def drive(self, coroutine, context):
        cdef Driver driver = Driver.__new__(Driver)
        assert self._driver is None, "one coroutine is driven at a time"
        driver._exchange, driver._coroutine, driver._context = self, coroutine, context
        self._driver = driver
        return driver

    def wait_for_turn(self):
        turn = self._loop.create_future()
        self._turns.append(turn)
        return turn

    def pass_turn(self):
        self._pass_turn()

    cdef int _pass_turn(self) except -1:
        while self._turns:
            turn = self._turns.pop(0)
            if not turn.done():
                turn.set_result(None)
                return 0
        self.is_taken = False
        return 0

    def give_up(self, str reason not None):
        cdef Answer due = self._due
        self._due = None
        self.end_reason = reason
        self._is_quick = False
        self.late_at = NEVER
        if due is not None:
            due._is_cancelled = True
            if due._waiting is not None:
                due._wake()
            if self._driver is not None and self._driver._answer is due:
                self._driver._wake()
        while self._turns:
            self._pass_turn()

    def command_in_turn(self, verb, words, lasts_ms):
        raise NotImplementedError

    def unusual(self, data):
        raise NotImplementedError


def command_line(str verb not None, tuple words not None, Py_ssize_t limit):
    cdef char line[LINE_ROOM]
    cdef Py_ssize_t size = render(line, min(LINE_ROOM, limit), verb, words)
    return PyBytes_FromStringAndSize(line, size) if size >= 0 else unusual_line(verb, words, limit)
