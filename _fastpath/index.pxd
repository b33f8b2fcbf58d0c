"""Ids to slots: which dense number stands for an id, as a C structure and inline functions.

A slot has a record of so many words, the first of which is the id; the rest is for whoever uses it. A slot stays the
same while its id is here, and is used again afterwards. `table` tells the slot of an id: open addressing, linear
probing, at most half full, erased by shifting back, so that nothing is left of what has gone. An entry is the id's hash
and its slot, 32 bits each, so records, which are far away, are not asked where others of the table belong.
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.stdint cimport INT64_MAX, UINT32_MAX as NONE, UINT64_MAX, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

cdef extern from *:
    """
    #ifdef __GNUC__
    #define fetch_early(place) __builtin_prefetch(place)
    #else
    #define fetch_early(place) ((void)(place))
    #endif
    """
    void fetch_early(const void *place) noexcept nogil  # a hint: it will be needed soon

ctypedef struct Index:
    int64_t *records  # the id of an empty slot is -1 - the next empty one
    void *block  # the memory they are in
    uint32_t words  # a record
    uint32_t room
    uint32_t used  # slots ever handed out
    uint32_t empty  # the first empty one among these
    uint32_t count
    uint64_t *table
    uint64_t mask
    int shift  # from a hash to its place


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


cdef inline char *widened(char *block, uint64_t bytes_used, uint64_t bytes_wanted, uint32_t offset, void **owner) except NULL:
    """Move what is used to a new block in which the byte at this offset begins a cache line; `owner` is what to free."""
    cdef char *made = <char *>PyMem_Malloc(bytes_wanted + 64)
    cdef char *start
    if made == NULL:
        raise MemoryError
    start = made + (-(<uint64_t>made + offset) & 63)
    if bytes_used:
        memcpy(start, block, bytes_used)
    PyMem_Free(owner[0])
    owner[0] = made
    return start


cdef inline int64_t *record(const Index *index, uint32_t slot) noexcept:
    return &index.records[<uint64_t>slot * index.words]


cdef inline uint64_t hashed(int64_t number) noexcept:
    """32 bits, of which the highest come first to a place in the table (Fibonacci hashing)."""
    return (<uint64_t>number * <uint64_t>0x9E3779B97F4A7C15) >> 32


cdef inline void enter(Index *index, uint32_t slot) noexcept:
    cdef uint64_t hash = hashed(record(index, slot)[0]), at = hash >> index.shift
    while index.table[at] != UINT64_MAX:
        at = (at + 1) & index.mask
    index.table[at] = hash << 32 | slot


cdef inline int widen_table(Index *index, int bits) except -1:
    """Make the table 2**bits wide and enter every id anew."""
    cdef uint32_t slot
    cdef uint64_t width = <uint64_t>1 << bits
    if bits > 32:
        raise MemoryError
    index.table = <uint64_t *>resized(index.table, width, sizeof(uint64_t))
    index.mask = width - 1
    index.shift = 32 - bits
    memset(index.table, 0xFF, width * sizeof(uint64_t))
    for slot in range(index.used):
        if record(index, slot)[0] >= 0:
            enter(index, slot)
    return 0


cdef inline uint32_t find_slot(const Index *index, int64_t number) noexcept:
    """The slot of this id, NONE when it is not here."""
    cdef uint64_t hash = hashed(number), at = hash >> index.shift, entry
    while True:
        entry = index.table[at]
        if entry == UINT64_MAX:
            return NONE
        if entry >> 32 == hash and record(index, <uint32_t>entry)[0] == number:
            return <uint32_t>entry
        at = (at + 1) & index.mask


cdef inline int reserve_slot(Index *index) except -1:
    """Make room for one more, so that `add_slot` cannot fail."""
    cdef uint64_t size
    if index.empty == NONE and index.used == index.room:
        size = 8 * <uint64_t>index.words
        index.records = <int64_t *>widened(
            <char *>index.records, index.used * size, wider(index.room) * size, 0, &index.block
        )
        index.room = wider(index.room)
    if 2 * <uint64_t>index.count > index.mask:
        widen_table(index, 33 - index.shift)
    return 0


cdef inline uint32_t add_slot(Index *index, int64_t number) noexcept:
    cdef uint32_t slot = index.empty
    if slot == NONE:
        slot = index.used
        index.used += 1
    else:
        index.empty = <uint32_t>(-1 - record(index, slot)[0])
    record(index, slot)[0] = number
    enter(index, slot)
    index.count += 1
    return slot


cdef inline void fetch_slot(const Index *index, int64_t number) noexcept:
    """Have the memory at hand that `remove_slot` will read."""
    fetch_early(&index.table[hashed(number) >> index.shift])


cdef inline void remove_slot(Index *index, uint32_t slot, int64_t number) noexcept:
    cdef uint64_t hole = hashed(number) >> index.shift, at, entry
    while <uint32_t>index.table[hole] != slot:
        hole = (hole + 1) & index.mask
    at = hole
    while True:  # whoever stands behind the hole, and may stand in it, moves up
        at = (at + 1) & index.mask
        entry = index.table[at]
        if entry == UINT64_MAX:
            break
        if ((at - (entry >> 32 >> index.shift)) & index.mask) >= ((at - hole) & index.mask):
            index.table[hole] = entry
            hole = at
    index.table[hole] = UINT64_MAX
    record(index, slot)[0] = -1 - <int64_t>index.empty
    index.empty = slot
    index.count -= 1
