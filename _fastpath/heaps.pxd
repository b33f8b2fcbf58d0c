"""What the matcher holds, and in what order: the C structures of match.pyx, and heaps of 16-byte entries.

Calls and seats are the same thing here: members with an id and a key a lane. A `Side` holds one kind:

    members    id -> slot (index.pxd). A member's record is its id and its key in each lane (calls: rank and due; seats:
               one number)
    places     slot -> the place in each lane's heap, so that leaving from the middle costs O(log n)
    classes    for each lane a 4-ary heap of the same members, and the links to classes of the other side
    heads      dense copies of the heaps' first entries, `nobody()` where a class is empty or closed
    gists      the heads' gists once more, as dense as can be: choosing reads these first
    names      the ids of the heads
    fresh      the classes in which something new may have become possible, and
    agenda     a heap of classes by what their head was when they were put there (match.pyx tells of both)

What costs time is memory far from the processor. So an entry is no more than the *gist* of the key, and the slot of the
member, who is asked only when two gists are alike. Four children fill one cache line, and begin one; what will be
needed soon is fetched early.
"""

from libc.stdint cimport UINT32_MAX as NONE, UINT64_MAX, int64_t, uint8_t, uint32_t, uint64_t

from _fastpath.index cimport Index, fetch_early, record

cdef enum:
    LANES_MAX = 8

ctypedef struct Entry:
    uint64_t gist
    uint32_t slot  # on the agenda: the class
    bint barred  # a call that must not go to some seats

ctypedef struct Class:
    Entry *heaps  # lane by lane, each `room` entries wide
    void *block  # the memory they are in
    uint32_t *links  # classes of the other side, with the cost of each link, and its place in the other's lists
    int64_t *costs
    uint32_t *twins
    uint32_t link_count
    uint32_t link_room
    uint32_t size
    uint32_t room
    uint32_t fresh_at  # place in the list of the fresh, NONE when it is not
    uint8_t lane  # of a call class: by which the seats are ordered
    bint closed

ctypedef struct Side:
    Index members
    uint32_t lanes
    uint32_t key_words  # a lane
    uint32_t *places  # lane by lane within a slot
    uint32_t *class_at  # slot -> class
    uint32_t place_room
    Index class_ids
    uint32_t class_room  # of the arrays below
    Class *classes
    Entry *heads  # lane by lane within a class, as are these two:
    uint64_t *gists
    int64_t *names
    uint32_t *fresh
    uint32_t fresh_count
    Entry *agenda
    uint32_t *agenda_at  # class -> place, NONE when it is not there
    uint32_t agenda_size

ctypedef struct Heap:  # one heap seen for itself
    Entry *entries
    uint32_t *places  # of slot 0, and how many numbers further that of the next slot is
    uint64_t stride
    const Side *side  # NULL: the gist is all the order there is
    uint32_t lane


cdef inline Entry nobody() noexcept:
    """The head of an empty class."""
    return Entry(UINT64_MAX, NONE, False)


cdef inline uint64_t gist_of_number(int64_t number) noexcept:
    """All of it, in unsigned order."""
    return <uint64_t>number ^ <uint64_t>1 << 63


cdef inline uint64_t gist_of_call(int64_t rank, int64_t due) noexcept:
    """In 16 and 48 bits: a lesser gist goes before a greater one; of equal ones the members must be asked."""
    cdef int64_t most = (<int64_t>1 << 47) - 1
    if rank < -0x8000:
        return 0
    if rank > 0x7FFF:
        return UINT64_MAX
    return <uint64_t>(rank + 0x8000) << 48 | <uint64_t>(min(max(due, -most), most) + most)


cdef inline bint before_in_full(const Side *side, uint32_t lane, uint32_t a, uint32_t b) noexcept:
    """Whether one member goes before another of the same gist."""
    cdef const int64_t *one = record(&side.members, a)
    cdef const int64_t *other = record(&side.members, b)
    cdef uint32_t at
    for at in range(1 + lane * side.key_words, 1 + (lane + 1) * side.key_words):
        if one[at] != other[at]:
            return one[at] < other[at]
    return one[0] < other[0]


cdef inline bint before(const Side *side, uint32_t lane, const Entry *a, const Entry *b) noexcept:
    """Whether one goes before another; nobody goes after everybody."""
    if a.gist != b.gist:
        return a.gist < b.gist
    if a.slot == NONE or b.slot == NONE:
        return a.slot != NONE
    return before_in_full(side, lane, a.slot, b.slot)


# Entries in a heap


cdef inline Heap heap_of(const Side *side, uint32_t cls, uint32_t lane) noexcept:
    cdef const Class *owner = &side.classes[cls]
    return Heap(
        &owner.heaps[<uint64_t>lane * owner.room], side.places + lane, side.lanes, side, lane
    )


cdef inline Heap agenda_of(Side *side) noexcept:
    return Heap(side.agenda, side.agenda_at, 1, NULL, 0)


cdef inline bint ahead(const Heap *heap, const Entry *a, const Entry *b) noexcept:
    if a.gist != b.gist or heap.side == NULL:
        return a.gist < b.gist
    return before_in_full(heap.side, heap.lane, a.slot, b.slot)


cdef inline void put(const Heap *heap, uint32_t at, const Entry *entry) noexcept:
    heap.entries[at] = entry[0]
    heap.places[entry.slot * heap.stride] = at


cdef inline void rise(const Heap *heap, uint32_t at, const Entry *entry) noexcept:
    """Put the entry into the hole at this place or above."""
    cdef uint32_t parent
    while at:
        parent = (at - 1) >> 2
        if ahead(heap, &heap.entries[parent], entry):
            break
        put(heap, at, &heap.entries[parent])
        at = parent
    put(heap, at, entry)


cdef inline void sink(const Heap *heap, uint32_t size, uint32_t at, const Entry *entry) noexcept:
    """Put the entry into the hole at this place or below."""
    cdef uint32_t child, least
    while 4 * <uint64_t>at + 1 < size:
        least = 4 * at + 1
        for child in range(0, 16, 4):  # whichever child it will be, its children are on their way
            fetch_early(&heap.entries[4 * <uint64_t>least + 1 + child])
        for child in range(least + 1, min(least + 4, size)):
            if ahead(heap, &heap.entries[child], &heap.entries[least]):
                least = child
        if ahead(heap, entry, &heap.entries[least]):
            break
        put(heap, at, &heap.entries[least])
        at = least
    put(heap, at, entry)


cdef inline void fill_hole(const Heap *heap, uint32_t size, uint32_t at) noexcept:
    """Bring the entry after the last, `size`, into the hole at this place, and from there where it belongs."""
    cdef Entry last
    if at < size:
        last = heap.entries[size]
        if at and ahead(heap, &last, &heap.entries[(at - 1) >> 2]):
            rise(heap, at, &last)
        else:
            sink(heap, size, at, &last)
