# cython: boundscheck=False, wraparound=False, cdivision=True
"""Messages of Asterisk's manager interface: the compiled build. The manual is ami.pyi, the oracle ami_py.py.

Theory of operation. The stream is copied into one buffer. A walk over its lines finds each message's end, and on the way
the three headers that decide what becomes of it: Event, ActionID, Response. The walk goes on where the last piece ended,
so no byte is looked at twice however small the pieces are. A wanted message gets a copy of its bytes, and its lines, whose
ends are known by now, are looked through for a header that comes twice. Whatever is asked later walks over the lines again:
they are few, and in the cache.

Names recur: of headers a few hundred, of events some tens. Each is made into a str once and kept (`known`). That table
only ever grows, up to a fixed size; when callers have filled it with nonsense, names are made anew each time.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_SetItem
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset

from _fastpath.ami_py import MESSAGE_MAX, checked_names, render
from _fastpath.lines cimport (
    Line, begun_end, end_of_line, hashed, next_line, of_variable, part, same, small, text_of,
)

cdef extern from *:
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    dict presized "__Pyx_PyDict_NewPresized"(Py_ssize_t size)  # Cython's own; it does not grow on the way to that size

cdef enum:
    KNOWN_ROOM = 2048  # slots; a power of two
    KNOWN_MOST = 1024  # names kept
    KNOWN_SIZE = 64  # bytes of the longest
    FEW_LINES = 64  # of a message that is checked without Python's help
    SEEN_ROOM = 256

cdef struct Known:
    uint64_t hash
    const char *name  # of `text`, which is never freed
    Py_ssize_t size
    PyObject *text

cdef Known known[KNOWN_ROOM]
cdef int known_count = 0


cdef object name_of(const char *name, Py_ssize_t size):
    """The text of a name, the known one if it is."""
    global known_count
    cdef uint64_t hash = hashed(name, size, 0)
    cdef uint64_t slot = hash >> 53
    cdef Known *entry
    cdef Py_ssize_t length
    if size > KNOWN_SIZE:
        return text_of(name, size)
    while True:
        entry = &known[slot & (KNOWN_ROOM - 1)]
        if entry.text == NULL:
            break
        if entry.hash == hash and entry.size == size and memcmp(entry.name, name, size) == 0:
            return <object>entry.text
        slot += 1
    text = text_of(name, size)
    if known_count < KNOWN_MOST:
        entry.name = PyUnicode_AsUTF8AndSize(text, &length)
        if length == size and memcmp(entry.name, name, size) == 0:  # else it was no UTF-8, and is nobody's name
            Py_INCREF(text)
            entry.hash, entry.size, entry.text = hash, size, <PyObject *>text
            known_count += 1
    return text


@cython.final
@cython.freelist(64)
cdef class Message:
    cdef readonly bytes raw
    cdef readonly str event
    cdef readonly str action_id
    cdef readonly str twice
    cdef bint repeats  # a name comes more than once, `...variable` or not
    cdef int lines

    def __init__(self, headers):
        self.raw = render(headers)
        self.event, self.action_id = self.get("Event"), self.get("ActionID")
        self.check_many()

    def get(self, str header not None, str default not None=""):
        cdef Line line
        cdef Py_ssize_t size
        cdef const char *name = PyUnicode_AsUTF8AndSize(header, &size)
        if self.find(name, size, &line):
            return text_of(line.value, line.value_size)
        return default

    def all(self, str header not None):
        cdef Line line
        cdef Py_ssize_t size
        cdef const char *name = PyUnicode_AsUTF8AndSize(header, &size)
        cdef const char *at = PyBytes_AS_STRING(self.raw)
        cdef const char *end = at + PyBytes_GET_SIZE(self.raw)
        cdef list found = []
        while next_line(&at, end, &line):
            if line.value != NULL and line.name_size == size and same(line.name, name, size):
                found.append(text_of(line.value, line.value_size))
        return found

    def headers(self):
        cdef Line line
        cdef const char *at = PyBytes_AS_STRING(self.raw)
        cdef const char *end = at + PyBytes_GET_SIZE(self.raw)
        cdef dict found = presized(self.lines)
        cdef dict spelled = {}
        while next_line(&at, end, &line):
            if line.value == NULL:
                continue
            name = name_of(line.name, line.name_size)
            value = text_of(line.value, line.value_size)
            if self.repeats:
                name = spelled.setdefault((<bytes>line.name[: line.name_size]).lower(), name)
                if name in found:
                    before = found[name]
                    value = [*before, value] if isinstance(before, list) else [before, value]
            PyDict_SetItem(found, name, value)
        return found

    def __getitem__(self, str header not None):
        cdef Line line
        cdef Py_ssize_t size
        cdef const char *name = PyUnicode_AsUTF8AndSize(header, &size)
        if self.find(name, size, &line):
            return text_of(line.value, line.value_size)
        raise KeyError(header)

    def __contains__(self, header):
        cdef const char *name
        cdef Py_ssize_t size
        cdef Line line
        if not isinstance(header, str):
            return False
        name = PyUnicode_AsUTF8AndSize(header, &size)
        return self.find(name, size, &line)

    def __repr__(self):
        return f"Message({self.headers()!r})"

    cdef bint find(self, const char *name, Py_ssize_t size, Line *line) noexcept:
        """Find the first header of a name."""
        cdef const char *at = PyBytes_AS_STRING(self.raw)
        cdef const char *end = at + PyBytes_GET_SIZE(self.raw)
        while next_line(&at, end, line):
            if line.value != NULL and line.name_size == size and same(line.name, name, size):
                return True
        return False

    cdef int check(self, const uint32_t *ends, int lines) except -1:
        """Look for a name that comes twice, in so many lines, which end there; `FEW_LINES` of them at most."""
        cdef const char *names[FEW_LINES]
        cdef Py_ssize_t sizes[FEW_LINES]
        cdef uint8_t slots[SEEN_ROOM]
        cdef Line line
        cdef const char *raw = PyBytes_AS_STRING(self.raw)
        cdef const char *at = raw
        cdef int count
        cdef uint64_t slot
        cdef int other
        self.twice, self.repeats, self.lines = "", False, lines
        memset(slots, 0, SEEN_ROOM)
        for count in range(lines):
            part(at, raw + ends[count], &line)
            at = raw + ends[count] + 2
            names[count], sizes[count] = line.name, line.name_size
            slot = hashed(line.name, line.name_size, 0x2020202020202020u) >> 56
            while slots[slot]:
                other = slots[slot] - 1
                if sizes[other] == line.name_size and same(names[other], line.name, line.name_size):
                    self.repeats = True
                    if not of_variable(line.name, line.name_size):
                        self.twice = small_text(line.name, line.name_size)
                        return 0
                    break
                slot = (slot + 1) & (SEEN_ROOM - 1)
            else:
                slots[slot] = <uint8_t>(count + 1)
        return 0

    cdef int check_many(self) except -1:
        """As `check`, however many lines there are, and wherever they end."""
        cdef Line line
        cdef const char *at = PyBytes_AS_STRING(self.raw)
        cdef const char *end = at + PyBytes_GET_SIZE(self.raw)
        cdef set seen = set()
        self.twice, self.repeats, self.lines = "", False, 0
        while next_line(&at, end, &line):
            self.lines += 1
            name = (<bytes>line.name[: line.name_size]).lower()
            if name in seen:
                self.repeats = True
                if not of_variable(line.name, line.name_size):
                    self.twice = small_text(line.name, line.name_size)
                    return 0
            seen.add(name)
        return 0


cdef object small_text(const char *name, Py_ssize_t size):
    return (<bytes>name[:size]).lower().decode(errors="replace")


@cython.final
cdef class Framer:
    cdef readonly bint overlong
    cdef object names  # a frozenset, or None
    cdef Py_ssize_t limit
    cdef char *buffer
    cdef Py_ssize_t room
    cdef Py_ssize_t size  # bytes in it
    cdef Py_ssize_t start  # of the message
    cdef Py_ssize_t line  # of the line that has no end yet
    cdef uint32_t ends[FEW_LINES]  # of the message's first lines, counted from its start
    cdef int lines
    cdef Py_ssize_t event, event_size  # where the value of the first Event is; -1 if there is none
    cdef Py_ssize_t action, action_size
    cdef bint response

    def __cinit__(self):
        self.buffer = NULL
        self.room = self.size = self.start = self.line = 0
        self.overlong = False
        self.begin(0)

    def __init__(self, names=None, limit=MESSAGE_MAX):
        self.names = None if names is None else checked_names(names)
        self.limit = limit

    def __dealloc__(self):
        PyMem_Free(self.buffer)

    def feed(self, bytes data not None):
        cdef list found = []
        cdef Py_ssize_t searched = self.size
        cdef const char *line
        cdef const char *at
        cdef const char *end
        if self.overlong:
            return found
        self.append(data)
        end = self.buffer + self.size
        line, at = self.buffer + self.line, self.buffer + searched
        while True:
            at = end_of_line(line, at, end)
            if at == NULL:
                break
            if at > line:
                self.note(line, at)
            elif self.line > self.start:  # an empty line; before a message it is nothing
                if at - 2 - self.buffer - self.start > self.limit:
                    self.give_up()
                    return found
                message = self.finish(self.buffer + self.start, at - 2)
                if message is not None:
                    found.append(message)
                self.begin(at + 2 - self.buffer)
            else:
                self.start += 2
            line = at = at + 2
            self.line = line - self.buffer
        self.keep_rest()
        return found

    cdef int append(self, bytes data) except -1:
        cdef Py_ssize_t more = PyBytes_GET_SIZE(data), room = self.room or 4096
        cdef char *buffer
        while room < self.size + more:
            room *= 2
        if room != self.room:
            buffer = <char *>PyMem_Realloc(self.buffer, room)
            if buffer == NULL:
                raise MemoryError
            self.buffer, self.room = buffer, room
        memcpy(self.buffer + self.size, PyBytes_AS_STRING(data), more)
        self.size += more
        return 0

    cdef void keep_rest(self) noexcept:
        """Move what has no end yet to the front, and see whether it can still become a message."""
        cdef char *smaller
        self.size -= self.start
        self.line -= self.start
        memmove(self.buffer, self.buffer + self.start, self.size)
        if self.event >= 0:
            self.event -= self.start
        if self.action >= 0:
            self.action -= self.start
        self.start = 0
        if self.size - begun_end(self.buffer, self.size) > self.limit:
            self.give_up()
        elif self.room > 1 << 18 and self.size < 1 << 16:  # a burst, or one long message, is over
            smaller = <char *>PyMem_Realloc(self.buffer, 1 << 16)
            if smaller != NULL:
                self.buffer, self.room = smaller, 1 << 16

    cdef void give_up(self) noexcept:
        self.overlong = True
        PyMem_Free(self.buffer)
        self.buffer = NULL
        self.room = self.size = 0

    cdef inline void begin(self, Py_ssize_t start) noexcept:
        self.start = start
        self.event = self.action = -1
        self.response = False
        self.lines = 0

    cdef inline void note(self, const char *line, const char *end) noexcept:
        """Remember where a line ends, and what it says if that decides what becomes of its message."""
        cdef uint8_t first = small(line[0])
        cdef Py_ssize_t size = end - line
        if self.lines < FEW_LINES:
            self.ends[self.lines] = <uint32_t>(end - self.buffer - self.start)
        self.lines += 1
        if first == b"e":
            if self.event < 0 and size >= 7 and same(line, "Event: ", 7):
                self.event, self.event_size = line + 7 - self.buffer, size - 7
        elif first == b"a":
            if self.action < 0 and size >= 10 and same(line, "ActionID: ", 10):
                self.action, self.action_size = line + 10 - self.buffer, size - 10
        elif first == b"r":
            if size >= 10 and same(line, "Response: ", 10):
                self.response = True

    cdef Message finish(self, const char *start, const char *end):
        """Make the message, if it is one and somebody wants it."""
        cdef Message message
        cdef str event = ""
        if self.event >= 0:
            event = name_of(self.buffer + self.event, self.event_size)
            if self.names is not None and self.action < 0 and event not in <frozenset>self.names:
                return None
        elif not self.response:
            return None
        message = Message.__new__(Message)
        message.raw = PyBytes_FromStringAndSize(start, end - start)
        message.event = event
        message.action_id = text_of(self.buffer + self.action, self.action_size) if self.action >= 0 else ""
        if self.lines <= FEW_LINES:
            message.check(self.ends, self.lines)
        else:
            message.check_many()
        return message
