# cython: boundscheck=False, wraparound=False
"""Times single decisions inside compiled code, for benches. The manual is stopwatch.pyi."""

from cpython.array cimport array
from libc.stdint cimport int64_t
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from _fastpath.classes cimport add, take
from _fastpath.index cimport record
from _fastpath.match cimport Matcher, Pick


cdef inline int64_t now_ns() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * <int64_t>1_000_000_000 + now.tv_nsec


def clock_ns(int count):
    cdef int64_t start
    cdef list taken = []
    for _ in range(count):
        start = now_ns()
        taken.append(now_ns() - start)
    return sorted(taken)[count // 2]


def decisions(Matcher matcher, array seats, array seat_classes, array ranks, int64_t due):
    cdef Py_ssize_t at, count = len(seats)
    cdef array taken = array("q", bytes(8 * count)), calls = array("q", bytes(8 * count))
    cdef int64_t start
    cdef Pick call, seat
    cdef int64_t number, class_number
    cdef int64_t[2] key
    cdef bint found
    if not len(seat_classes) == len(ranks) == count or {"q"} != {seats.typecode, seat_classes.typecode, ranks.typecode}:
        raise ValueError("the arrays must be of type q and of one length")
    if matcher.seats.lanes != 1:
        raise ValueError("the seats of this matcher have more keys than one")
    for at in range(count):
        due += 1
        start = now_ns()
        number = seats.data.as_longlongs[at]
        add(&matcher.seats, seat_classes.data.as_longlongs[at], number, &due, False)
        found = matcher.take_pair(&call, &seat)
        taken.data.as_longlongs[at] = now_ns() - start
        if found:
            key = [ranks.data.as_longlongs[at], due]
            class_number = record(&matcher.calls.class_ids, call.cls)[0]
            add(&matcher.calls, class_number, call.id, key, False)
        else:
            take(&matcher.seats, number)
        calls.data.as_longlongs[at] = call.id if found else -1
        if matcher.take_pair(&call, &seat):
            raise ValueError("more than one pair was possible")
    return taken, calls
