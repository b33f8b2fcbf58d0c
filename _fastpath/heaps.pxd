"""Members in classes, each class a heap: the memory of match.pyx, as C structures and inline functions.

Calls and seats are the same thing here: members with an id and a key. A `Side` holds one kind:

    members    id -> slot, a dense number that a member keeps while it is present
    places     slot -> class and place in that class's heap, so that leaving from the middle costs O(log n)
    classes    a 4-ary heap of entries each (four children share two or three cache lines), and the linked classes opposite
    heads      dense copies of the heaps' first entries, `nobody()` where a class is empty: choosing reads these alone
    fresh      the classes in which something new may have become possible (match.pyx tells)

Whoever changes a side reserves all memory first, so a MemoryError leaves it as it was.
"""

from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport INT64_MAX, UINT32_MAX as NONE, int64_t, uint32_t, uint64_t
from libc.string cimport memset

ctypedef struct Key:  # the order of members, least first; a seat's is (key, 0, seat)
    int64_t rank
    int64_t due
    int64_t id

ctypedef struct Entry:
    Key key
    uint32_t slot
    bint barred  # a call that must not go to some seats

ctypedef struct Place:
    uint32_t cls
    uint32_t at

ctypedef struct Class:
    Entry *heap
    uint32_t size
    uint32_t room
    uint32_t *links  # classes of the other side
    uint32_t link_count
    uint32_t link_room
    bint fresh

ctypedef struct Index:  # open addressing, linear probing, at most half full, erased by shifting back
    int64_t *ids  # slot -> id; an empty slot holds -1 - the next empty one
    uint32_t room
    uint32_t used  # slots ever handed out
    uint32_t empty  # the first empty one among these
    uint32_t count
    uint32_t *table
    uint64_t mask
    int shift

ctypedef struct Side:
    Index members
    Place *places
    uint32_t place_room
    Index class_ids
    Class *classes
    Entry *heads
    uint32_t *fresh
    uint32_t fresh_count
    uint32_t class_room


cdef inline Entry nobody() noexcept:
    """The head of an empty class, after every member: no id is INT64_MAX."""
    return Entry(Key(INT64_MAX, INT64_MAX, INT64_MAX), NONE, False)


cdef inline bint before(const Key *a, const Key *b) noexcept:
    if a.rank != b.rank:
        return a.rank < b.rank
    if a.due != b.due:
        return a.due < b.due
    return a.id < b.id


cdef inline int check_id(int64_t number) except -1:
    if number < 0 or number == INT64_MAX:
        raise ValueError(f"an id is 0 to 2**63 - 2, not {number}")
    return 0


cdef inline void *resized(void *block, uint32_t count, size_t size) except NULL:
    cdef void *moved = PyMem_Realloc(block, count * size)
    if moved == NULL:
        raise MemoryError
    return moved


cdef inline uint32_t wider(uint32_t room) except 0:
    """Half as much again: at most a third of an array stands empty."""
    if room > NONE // 4:
        raise MemoryError
    return room + room // 2 + 4


# Ids to slots


cdef inline uint64_t home(Index *index, int64_t number) noexcept:
    return (<uint64_t>number * <uint64_t>0x9E3779B97F4A7C15) >> index.shift  # Fibonacci hashing


cdef inline void enter(Index *index, uint32_t slot) noexcept:
    cdef uint64_t at = home(index, index.ids[slot])
    while index.table[at] != NONE:
        at = (at + 1) & index.mask
    index.table[at] = slot


cdef inline int widen_table(Index *index, int bits) except -1:
    """Make the table 2**bits wide and enter every id anew."""
    cdef uint32_t slot, width = <uint32_t>1 << bits
    index.table = <uint32_t *>resized(index.table, width, sizeof(uint32_t))
    index.mask = width - 1
    index.shift = 64 - bits
    memset(index.table, 0xFF, width * sizeof(uint32_t))
    for slot in range(index.used):
        if index.ids[slot] >= 0:
            enter(index, slot)
    return 0


cdef inline uint32_t find_slot(Index *index, int64_t number) noexcept:
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


cdef inline void remove_slot(Index *index, int64_t number, uint32_t slot) noexcept:
    cdef uint64_t hole = home(index, number), at
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


# Entries in a heap


cdef inline void put(Side *side, Entry *heap, uint32_t at, const Entry *entry) noexcept:
    heap[at] = entry[0]
    side.places[entry.slot].at = at


cdef inline void rise(Side *side, Entry *heap, uint32_t at, const Entry *entry) noexcept:
    """Put the entry into the hole at this place or above."""
    cdef uint32_t parent
    while at:
        parent = (at - 1) >> 2
        if before(&heap[parent].key, &entry.key):
            break
        put(side, heap, at, &heap[parent])
        at = parent
    put(side, heap, at, entry)


cdef inline void sink(Side *side, Entry *heap, uint32_t size, uint32_t at, const Entry *entry) noexcept:
    """Put the entry into the hole at this place or below."""
    cdef uint32_t child, least
    while 4 * <uint64_t>at + 1 < size:
        least = 4 * at + 1
        for child in range(least + 1, min(least + 4, size)):
            if before(&heap[child].key, &heap[least].key):
                least = child
        if before(&entry.key, &heap[least].key):
            break
        put(side, heap, at, &heap[least])
        at = least
    put(side, heap, at, entry)


# Members of a side


cdef inline int open_side(Side *side) except -1:
    """Make an empty side of zeroed memory."""
    side.members.empty = side.class_ids.empty = NONE
    widen_table(&side.members, 3)
    widen_table(&side.class_ids, 3)
    return 0


cdef inline void close_side(Side *side) noexcept:
    cdef uint32_t cls
    for cls in range(side.class_ids.count):
        PyMem_Free(side.classes[cls].heap)
        PyMem_Free(side.classes[cls].links)
    PyMem_Free(side.classes)
    PyMem_Free(side.heads)
    PyMem_Free(side.fresh)
    PyMem_Free(side.places)
    PyMem_Free(side.members.ids)
    PyMem_Free(side.members.table)
    PyMem_Free(side.class_ids.ids)
    PyMem_Free(side.class_ids.table)


cdef inline uint32_t class_of(Side *side, int64_t number) except? 4294967295:
    """The class with this id, made when it is new."""
    cdef uint32_t cls = find_slot(&side.class_ids, number)
    if cls != NONE:
        return cls
    check_id(number)
    reserve_slot(&side.class_ids)
    if side.class_room < side.class_ids.room:
        side.classes = <Class *>resized(side.classes, side.class_ids.room, sizeof(Class))
        side.heads = <Entry *>resized(side.heads, side.class_ids.room, sizeof(Entry))
        side.fresh = <uint32_t *>resized(side.fresh, side.class_ids.room, sizeof(uint32_t))
        side.class_room = side.class_ids.room
    cls = add_slot(&side.class_ids, number)
    side.classes[cls] = Class(NULL, 0, 0, NULL, 0, 0, False)
    side.heads[cls] = nobody()
    return cls


cdef inline void refresh(Side *side, uint32_t cls) noexcept:
    if not side.classes[cls].fresh:
        side.classes[cls].fresh = True
        side.fresh[side.fresh_count] = cls
        side.fresh_count += 1


cdef inline void settle(Side *side, uint32_t at) noexcept:
    """The class at this place of the fresh list is fresh no more; the last one takes its place."""
    side.classes[side.fresh[at]].fresh = False
    side.fresh_count -= 1
    side.fresh[at] = side.fresh[side.fresh_count]


cdef inline int add(Side *side, int64_t class_id, Key key, bint barred) except -1:
    cdef uint32_t cls
    cdef Class *owner
    cdef Entry entry
    check_id(key.id)
    if find_slot(&side.members, key.id) != NONE:
        raise ValueError(f"{key.id} is here already")
    cls = class_of(side, class_id)
    owner = &side.classes[cls]
    reserve_slot(&side.members)
    if side.place_room < side.members.room:
        side.places = <Place *>resized(side.places, side.members.room, sizeof(Place))
        side.place_room = side.members.room
    if owner.size == owner.room:
        owner.heap = <Entry *>resized(owner.heap, wider(owner.room), sizeof(Entry))
        owner.room = wider(owner.room)
    entry = Entry(key, add_slot(&side.members, key.id), barred)
    side.places[entry.slot].cls = cls
    owner.size += 1
    rise(side, owner.heap, owner.size - 1, &entry)
    side.heads[cls] = owner.heap[0]
    refresh(side, cls)
    return 0


cdef inline Entry *find(Side *side, int64_t number) noexcept:
    """The entry of this member, NULL when it is not here."""
    cdef uint32_t slot = find_slot(&side.members, number)
    if slot == NONE:
        return NULL
    return &side.classes[side.places[slot].cls].heap[side.places[slot].at]


cdef inline void remove(Side *side, uint32_t cls, uint32_t at) noexcept:
    cdef Class *owner = &side.classes[cls]
    cdef Entry last
    remove_slot(&side.members, owner.heap[at].key.id, owner.heap[at].slot)
    owner.size -= 1
    if at < owner.size:
        last = owner.heap[owner.size]
        if at and before(&last.key, &owner.heap[(at - 1) >> 2].key):
            rise(side, owner.heap, at, &last)
        else:
            sink(side, owner.heap, owner.size, at, &last)
    side.heads[cls] = owner.heap[0] if owner.size else nobody()


cdef inline int take(Side *side, int64_t number) except -1:
    cdef Entry *entry = find(side, number)
    if entry == NULL:
        raise KeyError(number)
    remove(side, side.places[entry.slot].cls, side.places[entry.slot].at)
    return 0
