"""Lines of commands, written straight into a buffer; what a line is, says exchange.pyi (`command_line`)."""

from libc.string cimport memcpy

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const char *PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)


cdef inline Py_ssize_t copy_plain(char *to, Py_ssize_t room, str text) noexcept:
    """Copy a text of plain ASCII that needs no escape; gives its size, or -1 where it is none or has no room."""
    cdef const char *letters
    cdef Py_ssize_t at, size
    cdef bint is_plain = True
    if not PyUnicode_IS_COMPACT_ASCII(text):
        return -1
    size = PyUnicode_GET_LENGTH(text)
    if size > room:
        return -1
    letters = PyUnicode_1BYTE_DATA(text)
    for at in range(size):
        is_plain &= (letters[at] >= 32) & (letters[at] < 127) & (letters[at] != 34) & (letters[at] != 92)
    memcpy(to, letters, size)
    return size if is_plain else -1


cdef inline Py_ssize_t render(char *line, Py_ssize_t room, str verb, tuple words) except -2:
    """Write a line of plain text into a buffer; gives its size, or -1 where it is not so plain or too long."""
    cdef Py_ssize_t size = copy_plain(line, room, verb)
    cdef Py_ssize_t copied
    if size < 0:
        return -1
    for word in words:
        if size + 2 > room:
            return -1
        line[size], line[size + 1] = b" ", b'"'
        size += 2
        copied = copy_plain(line + size, room - size, word if type(word) is str else str(word))
        if copied < 0 or size + copied + 1 > room:
            return -1
        size += copied
        line[size] = b'"'
        size += 1
    if size + 1 > room:
        return -1
    line[size] = b"\n"
    return size + 1
