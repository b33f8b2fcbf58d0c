"""Lines, as C structures and inline functions; what a line of the manager interface is, says ami.pyi."""

from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

cdef extern from *:
    """
    #include <string.h>
    #ifdef __SSE2__
    #include <emmintrin.h>
    #endif

    /* memchr for lines, most of which are so short that the call would take longer than the search. */
    static inline const char *short_memchr(const char *at, char wanted, const char *end) {
    #ifdef __SSE2__
        for (int step = 0; step < 4 && end - at >= 16; step++, at += 16) {
            __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)at), _mm_set1_epi8(wanted));
            int found = _mm_movemask_epi8(same);
            if (found)
                return at + __builtin_ctz(found);
        }
    #endif
        return (const char *)memchr(at, wanted, (size_t)(end - at));
    }
    """
    const char *short_memchr(const char *at, char wanted, const char *end) noexcept
    object PyUnicode_New(Py_ssize_t size, uint32_t most)
    void *PyUnicode_1BYTE_DATA(object text)

ctypedef struct Line:
    const char *name  # the whole line, where it has no value
    Py_ssize_t name_size
    const char *value  # NULL where it has none
    Py_ssize_t value_size


cdef inline uint64_t hashed(const char *name, Py_ssize_t size, uint64_t fold) noexcept:
    """A hash of a name's length and its first and last bytes, its upper bits the better ones; `fold` makes letters of
    either case the same."""
    cdef uint64_t first = 0, last = 0
    if size >= 8:
        memcpy(&first, name, 8)
        memcpy(&last, name + size - 8, 8)
    elif size >= 4:
        memcpy(&first, name, 4)
        memcpy(&last, name + size - 4, 4)
    elif size > 0:
        first = (<uint64_t><uint8_t>name[0] << 16) | (<uint64_t><uint8_t>name[size >> 1] << 8) | <uint8_t>name[size - 1]
    return (((first | fold) ^ <uint64_t>size) * 0x9E3779B97F4A7C15u) ^ ((last | fold) * 0xC2B2AE3D27D4EB4Fu)


cdef inline uint8_t small(char letter) noexcept:
    return letter | 0x20 if b"A" <= letter <= b"Z" else <uint8_t>letter


cdef inline bint same(const char *one, const char *other, Py_ssize_t size) noexcept:
    """Whether two names of one length are the same."""
    cdef Py_ssize_t at
    if memcmp(one, other, size) == 0:
        return True
    for at in range(size):
        if small(one[at]) != small(other[at]):
            return False
    return True


cdef inline object text_of(const char *raw, Py_ssize_t size):
    """Decode; short ASCII, which nearly all is, without a detour."""
    cdef uint64_t bits = 0, word
    cdef Py_ssize_t at = 0
    if not 1 < size <= 64:
        return PyUnicode_DecodeUTF8(raw, size, "replace")
    while at + 8 <= size:
        memcpy(&word, raw + at, 8)
        bits |= word
        at += 8
    while at < size:
        bits |= <uint8_t>raw[at]
        at += 1
    if bits & 0x8080808080808080u:
        return PyUnicode_DecodeUTF8(raw, size, "replace")
    text = PyUnicode_New(size, 127)
    memcpy(PyUnicode_1BYTE_DATA(text), raw, size)
    return text


cdef inline const char *end_of_line(const char *begin, const char *at, const char *end) noexcept:
    """The CR LF that ends the line begun at `begin`, looked for from `at`; NULL if there is none."""
    while True:
        at = short_memchr(at, b"\n", end)
        if at == NULL:
            return NULL
        if at > begin and (at - 1)[0] == b"\r":
            return at - 1
        at += 1


cdef inline void part(const char *begin, const char *end, Line *line) noexcept:
    """Part a line into name and value."""
    cdef const char *colon = begin
    line.name, line.name_size, line.value, line.value_size = begin, end - begin, NULL, 0
    while True:
        colon = short_memchr(colon, b":", end)
        if colon == NULL or colon + 1 >= end:
            return
        if colon[1] == b" ":
            line.name_size, line.value, line.value_size = colon - begin, colon + 2, end - colon - 2
            return
        colon += 1


cdef inline bint next_line(const char **at, const char *end, Line *line) noexcept:
    """Read the line at `at` and go on to the next; whether there was one."""
    cdef const char *stop
    if at[0] >= end:
        return False
    stop = end_of_line(at[0], at[0], end)
    if stop == NULL:
        stop = end
    part(at[0], stop, line)
    at[0] = stop + 2
    return True


cdef inline bint of_variable(const char *name, Py_ssize_t size) noexcept:
    return size >= 8 and same(name + size - 8, "variable", 8)


cdef inline Py_ssize_t begun_end(const char *begin, Py_ssize_t size) noexcept:
    """How many bytes at the end may be the beginning of a message's end."""
    if size >= 3 and memcmp(begin + size - 3, "\r\n\r", 3) == 0:
        return 3
    if size >= 2 and memcmp(begin + size - 2, "\r\n", 2) == 0:
        return 2
    return size >= 1 and begin[size - 1] == b"\r"
