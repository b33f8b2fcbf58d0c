"""Ids to slots: which dense number stands for an id, as a C structure and inline functions.

A slot is the place of what has the id in the arrays beside this one; it stays the same while the id is here, and is
used again afterwards. `ids` tells the id of a slot, `table` the slot of an id: open addressing, linear probing, at most
half full, erased by shifting back, so that nothing is left of what has gone.
"""

from cpython.mem cimport PyMem_Realloc
from libc.stdint cimport INT64_MAX, UINT32_MAX as NONE, int64_t, uint32_t, uint64_t
from libc.string cimport memset

ctypedef struct Index:
    int64_t *ids  # slot -> id; an empty slot holds -1 - the next empty one
    uint32_t room
    uint32_t used  # slots ever handed out
    uint32_t empty  # the first empty one among these
    uint32_t count
    uint32_t *table
    uint64_t mask
    int shift


cdef inline int check_id(int64_t number) except -1:
    if number < 0 or number == INT64_MAX:
        raise ValueError(f"an id is 0 to 2**63 - 2, not {number}")
    return 0


cdef inline void *resized(void *block, uint64_t count, size_t size) except NULL:
    cdef void *moved = PyMem_Realloc(block, count * size)
    if moved == NULL:
        raise MemoryError
    return moved


cdef inline uint32_t wider(uint32_t room) except 0:
    """Half as much again: at most a third of an array stands empty."""
    if room > NONE // 4:
        raise MemoryError
    return room + room // 2 + 4


cdef inline uint64_t home(const Index *index, int64_t number) noexcept:
    return (<uint64_t>number * <uint64_t>0x9E3779B97F4A7C15) >> index.shift  # Fibonacci hashing


cdef inline void enter(Index *index, uint32_t slot) noexcept:
    cdef uint64_t at = home(index, index.ids[slot])
    while index.table[at] != NONE:
        at = (at + 1) & index.mask
    index.table[at] = slot


cdef inline int widen_table(Index *index, int bits) except -1:
    """Make the table 2**bits wide and enter every id anew."""
    cdef uint32_t slot
    cdef uint64_t width = <uint64_t>1 << bits
    index.table = <uint32_t *>resized(index.table, width, sizeof(uint32_t))
    index.mask = width - 1
    index.shift = 64 - bits
    memset(index.table, 0xFF, width * sizeof(uint32_t))
    for slot in range(index.used):
        if index.ids[slot] >= 0:
            enter(index, slot)
    return 0


cdef inline uint32_t find_slot(const Index *index, int64_t number) noexcept:
    """The slot of this id, NONE when it is not here."""
    cdef uint64_t at = home(index, number)
    while index.table[at] != NONE:
        if index.ids[index.table[at]] == number:
            return index.table[at]
        at = (at + 1) & index.mask
    return NONE


cdef inline int reserve_slot(Index *index) except -1:
    """Make room for one more, so that `add_slot` cannot fail."""
    if index.empty == NONE and index.used == index.room:
        index.ids = <int64_t *>resized(index.ids, wider(index.room), sizeof(int64_t))
        index.room = wider(index.room)
    if 2 * <uint64_t>index.count > index.mask:
        widen_table(index, 65 - index.shift)
    return 0


cdef inline uint32_t add_slot(Index *index, int64_t number) noexcept:
    cdef uint32_t slot = index.empty
    if slot == NONE:
        slot = index.used
        index.used += 1
    else:
        index.empty = <uint32_t>(-1 - index.ids[slot])
    index.ids[slot] = number
    enter(index, slot)
    index.count += 1
    return slot


cdef inline void remove_slot(Index *index, uint32_t slot) noexcept:
    cdef uint64_t hole = home(index, index.ids[slot]), at
    while index.table[hole] != slot:
        hole = (hole + 1) & index.mask
    at = hole
    while True:  # whoever stands behind the hole, and may stand in it, moves up
        at = (at + 1) & index.mask
        if index.table[at] == NONE:
            break
        if ((at - home(index, index.ids[index.table[at]])) & index.mask) >= ((at - hole) & index.mask):
            index.table[hole] = index.table[at]
            hole = at
    index.table[hole] = NONE
    index.ids[slot] = -1 - <int64_t>index.empty
    index.empty = slot
    index.count -= 1
