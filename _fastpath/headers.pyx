# cython: boundscheck=False, wraparound=False
"""A block of headers: the compiled build. The manual is headers.pyi, the oracle headers_py.py.

Theory of operation. One walk over the lines checks them, and puts each name into a small table to see whether it was there
before. What is asked later walks over the lines again: they are few, in the cache, and most are never asked for.
"""

from collections.abc import Mapping

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memchr, memcmp, memset

from _fastpath.lines cimport hashed, short_memchr, text_of

cdef extern from *:
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL

cdef enum:
    NAME_MOST = 64
    COUNT_MOST = 192
    SEEN_ROOM = 512  # slots; a power of two

cdef struct Header:
    const char *name
    Py_ssize_t name_size
    const char *value
    Py_ssize_t value_size


cdef inline bint part(const char *at, const char *stop, Header *header) noexcept:
    """Part what stands between a prefix and a line feed into name and value."""
    cdef const char *begin = at
    while at < stop and (b"a" <= at[0] <= b"z" or b"0" <= at[0] <= b"9" or at[0] == b"_"):
        at += 1
    if at == stop or at[0] != b":" or not 1 <= at - begin <= NAME_MOST:
        return False
    header.name, header.name_size = begin, at - begin
    at += 1
    if at < stop and at[0] == b" ":
        at += 1
    header.value, header.value_size = at, stop - at
    return True


cdef class Block:
    """Lines that were checked."""

    cdef bytes _raw
    cdef Py_ssize_t _prefix, _count

    cdef bint _next(self, const char **at, Header *header) noexcept:
        cdef const char *stop
        if at[0][0] == b"\n":
            return False
        stop = short_memchr(at[0], b"\n", PyBytes_AS_STRING(self._raw) + PyBytes_GET_SIZE(self._raw))
        part(at[0] + self._prefix, stop, header)
        at[0] = stop + 1
        return True

    def __getitem__(self, name):
        cdef const char *at = PyBytes_AS_STRING(self._raw)
        cdef const char *wanted
        cdef Py_ssize_t size
        cdef Header header
        if isinstance(name, str) and (<str>name).isascii():
            wanted = PyUnicode_AsUTF8AndSize(name, &size)
            while self._next(&at, &header):
                if header.name_size == size and memcmp(header.name, wanted, size) == 0:
                    return text_of(header.value, header.value_size)
        raise KeyError(name)

    def __len__(self):
        return self._count

    def __iter__(self):
        cdef const char *at = PyBytes_AS_STRING(self._raw)
        cdef Header header
        cdef list names = []
        while self._next(&at, &header):
            names.append(text_of(header.name, header.name_size))
        return iter(names)


class Headers(Block, Mapping):
    """Lines that were checked, with all that a Mapping has."""

    __slots__ = ()

    def __repr__(self):
        return repr(dict(self))


def read_headers(bytes data not None, bytes prefix not None, Py_ssize_t line_max, Py_ssize_t count_max):
    """Read a whole block."""
    cdef const char *at = PyBytes_AS_STRING(data)
    cdef const char *end = at + PyBytes_GET_SIZE(data)
    cdef const char *start = PyBytes_AS_STRING(prefix)
    cdef const char *stop
    cdef Py_ssize_t prefix_size = PyBytes_GET_SIZE(prefix), count = 0
    cdef Header headers[COUNT_MOST]
    cdef Header *header
    cdef Header *other
    cdef uint8_t seen[SEEN_ROOM]
    cdef uint64_t slot
    cdef Block block
    if end - at < 2 or memcmp(end - 2, b"\n\n", 2) != 0 or memchr(at, b"\r", end - at) != NULL:
        return None
    memset(seen, 0, SEEN_ROOM)
    while at < end - 1:
        stop = short_memchr(at, b"\n", end)
        if stop - at > line_max or stop - at < prefix_size or memcmp(at, start, prefix_size) != 0:
            return None
        if count == min(COUNT_MOST, count_max):
            return None
        header = &headers[count]
        if not part(at + prefix_size, stop, header):
            return None
        count += 1
        slot = hashed(header.name, header.name_size, 0) >> 55
        while seen[slot]:
            other = &headers[seen[slot] - 1]
            if other.name_size == header.name_size and memcmp(other.name, header.name, header.name_size) == 0:
                return None
            slot = (slot + 1) & (SEEN_ROOM - 1)
        seen[slot] = <uint8_t>count
        at = stop + 1
    if count == 0:
        return None
    block = Headers()
    block._raw, block._prefix, block._count = data, prefix_size, count
    return block
