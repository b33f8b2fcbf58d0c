"""What other compiled modules may use of the matcher without going through Python."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from _fastpath.heaps cimport Entry, Side

ctypedef struct Pick:  # the best found so far
    int64_t cost  # of giving the call to this seat
    Entry entry
    uint32_t cls  # NONE while there is none
    int64_t id


cdef class Matcher:
    cdef Side calls
    cdef Side seats
    cdef dict bars  # call -> frozenset of seats, never empty

    cdef bint take_pair(self, Pick *call, Pick *seat) except -1
    cdef int best_call(self, Pick *pick) except -1
    cdef void plan(self) noexcept
    cdef void calm(self) noexcept
    cdef bint is_served(self, uint32_t cls) noexcept
    cdef int consider(self, uint32_t cls, Pick *pick) except -1
    cdef int read_agenda(self, uint64_t at, Pick *pick) except -1
    cdef int first_call(self, uint32_t cls, uint64_t at, Pick *pick) except -1
    cdef bint is_better(self, int64_t cost, uint32_t lane, const Entry *entry, const Pick *pick) noexcept
    cdef int seat_for(self, uint32_t cls, frozenset refused, Pick *pick) except -1
    cdef int first_seat(
        self, uint32_t cls, uint32_t lane, uint64_t at, int64_t cost, frozenset refused, Pick *pick
    ) except -1
