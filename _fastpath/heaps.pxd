"""Members in classes, each class a heap or several: the memory of match.pyx, as C structures and inline functions.

Calls and seats are the same thing here: members with an id and a key a lane. A `Side` holds one kind:

    members    id -> slot (index.pxd)
    places     slot -> class, and the place in each lane's heap, so that leaving from the middle costs O(log n)
    classes    for each lane a 4-ary heap of the same members (four children share two or three cache lines), and the
               links to classes of the other side
    heads      dense copies of the heaps' first entries, `nobody()` where a class is empty or closed: choosing reads
               these alone
    fresh      the classes in which something new may have become possible, and
    agenda     a heap of classes by what their head was when they were put there (match.pyx tells of both)

A link is an entry in the lists of both its classes, and each of the two knows the place of the other (`twins`), so that
a link is cut in O(1). Whoever changes a side reserves all memory first, so a MemoryError leaves it as it was.
"""

from cpython.mem cimport PyMem_Free
from libc.stdint cimport INT64_MAX, UINT32_MAX as NONE, int64_t, uint32_t, uint64_t
from libc.string cimport memmove

from _fastpath.index cimport (
    Index, add_slot, check_id, find_slot, remove_slot, reserve_slot, resized, wider, widen_table,
)

cdef enum:
    LANES_MAX = 8

ctypedef struct Key:  # the order of members, least first; a seat's is (0, key, seat), or (cost, key, seat) for a call
    int64_t rank
    int64_t due
    int64_t id

ctypedef struct Entry:
    Key key
    uint32_t slot  # on the agenda: the class
    bint barred  # a call that must not go to some seats

ctypedef struct Class:
    Entry *heaps  # lane by lane, each `room` entries wide
    uint32_t size
    uint32_t room
    uint32_t *links  # classes of the other side, with the cost of each link, and its place in the other's lists
    int64_t *costs
    uint32_t *twins
    uint32_t link_count
    uint32_t link_room
    uint32_t fresh_at  # place in the list of the fresh, NONE when it is not
    uint32_t lane  # of a call class: by which the seats are ordered
    bint closed

ctypedef struct Side:
    Index members
    uint32_t *places
    uint32_t place_room
    uint32_t lanes
    uint32_t stride  # from one slot's places to the next one's
    Index class_ids
    uint32_t class_room  # of the arrays below
    Class *classes
    Entry *heads  # lane by lane within a class
    uint32_t *fresh
    uint32_t fresh_count
    Entry *agenda
    uint32_t *agenda_at  # class -> place, NONE when it is not there
    uint32_t agenda_size


cdef inline Entry nobody() noexcept:
    """The head of an empty class, after every member: no id is INT64_MAX."""
    return Entry(Key(INT64_MAX, INT64_MAX, INT64_MAX), NONE, False)


cdef inline bint before(const Key *a, const Key *b) noexcept:
    if a.rank != b.rank:
        return a.rank < b.rank
    if a.due != b.due:
        return a.due < b.due
    return a.id < b.id


# Entries in a heap; `places` are those of its lane


cdef inline void put(Entry *heap, uint32_t *places, uint32_t stride, uint32_t at, const Entry *entry) noexcept:
    heap[at] = entry[0]
    places[<uint64_t>entry.slot * stride] = at


cdef inline void rise(Entry *heap, uint32_t *places, uint32_t stride, uint32_t at, const Entry *entry) noexcept:
    """Put the entry into the hole at this place or above."""
    cdef uint32_t parent
    while at:
        parent = (at - 1) >> 2
        if before(&heap[parent].key, &entry.key):
            break
        put(heap, places, stride, at, &heap[parent])
        at = parent
    put(heap, places, stride, at, entry)


cdef inline void sink(
    Entry *heap, uint32_t *places, uint32_t stride, uint32_t size, uint32_t at, const Entry *entry
) noexcept:
    """Put the entry into the hole at this place or below."""
    cdef uint32_t child, least
    while 4 * <uint64_t>at + 1 < size:
        least = 4 * at + 1
        for child in range(least + 1, min(least + 4, size)):
            if before(&heap[child].key, &heap[least].key):
                least = child
        if before(&entry.key, &heap[least].key):
            break
        put(heap, places, stride, at, &heap[least])
        at = least
    put(heap, places, stride, at, entry)


cdef inline void fill_hole(Entry *heap, uint32_t *places, uint32_t stride, uint32_t size, uint32_t at) noexcept:
    """Bring the entry after the last, `size`, into the hole at this place, and from there where it belongs."""
    cdef Entry last
    if at < size:
        last = heap[size]
        if at and before(&last.key, &heap[(at - 1) >> 2].key):
            rise(heap, places, stride, at, &last)
        else:
            sink(heap, places, stride, size, at, &last)


# Classes of a side


cdef inline int open_side(Side *side, uint32_t lanes) except -1:
    """Make an empty side of zeroed memory."""
    side.lanes = lanes
    side.stride = 1 + lanes
    side.members.empty = side.class_ids.empty = NONE
    widen_table(&side.members, 3)
    widen_table(&side.class_ids, 3)
    return 0


cdef inline void close_class(Class *owner) noexcept:
    PyMem_Free(owner.heaps)
    PyMem_Free(owner.links)
    PyMem_Free(owner.costs)
    PyMem_Free(owner.twins)


cdef inline void close_side(Side *side) noexcept:
    cdef uint32_t cls
    for cls in range(side.class_ids.used):
        close_class(&side.classes[cls])
    PyMem_Free(side.classes)
    PyMem_Free(side.heads)
    PyMem_Free(side.fresh)
    PyMem_Free(side.agenda)
    PyMem_Free(side.agenda_at)
    PyMem_Free(side.places)
    PyMem_Free(side.members.ids)
    PyMem_Free(side.members.table)
    PyMem_Free(side.class_ids.ids)
    PyMem_Free(side.class_ids.table)


cdef inline int widen_classes(Side *side, uint32_t room) except -1:
    side.classes = <Class *>resized(side.classes, room, sizeof(Class))
    side.heads = <Entry *>resized(side.heads, <uint64_t>room * side.lanes, sizeof(Entry))
    side.fresh = <uint32_t *>resized(side.fresh, room, sizeof(uint32_t))
    side.agenda = <Entry *>resized(side.agenda, room, sizeof(Entry))
    side.agenda_at = <uint32_t *>resized(side.agenda_at, room, sizeof(uint32_t))
    side.class_room = room
    return 0


cdef inline void show_heads(Side *side, uint32_t cls) noexcept:
    """Copy the first entry of each lane to where choosing looks."""
    cdef const Class *owner = &side.classes[cls]
    cdef Entry *heads = &side.heads[<uint64_t>cls * side.lanes]
    cdef uint32_t lane
    for lane in range(side.lanes):
        if owner.size and not owner.closed:
            heads[lane] = owner.heaps[<uint64_t>lane * owner.room]
        else:
            heads[lane] = nobody()


cdef inline uint32_t class_of(Side *side, int64_t number) except? 4294967295:
    """The class with this id, made when it is new."""
    cdef uint32_t cls = find_slot(&side.class_ids, number)
    if cls != NONE:
        return cls
    check_id(number)
    reserve_slot(&side.class_ids)
    if side.class_room < side.class_ids.room:
        widen_classes(side, side.class_ids.room)
    cls = add_slot(&side.class_ids, number)
    side.classes[cls] = Class(NULL, 0, 0, NULL, NULL, NULL, 0, 0, NONE, 0, False)
    side.agenda_at[cls] = NONE
    show_heads(side, cls)
    return cls


cdef inline void refresh(Side *side, uint32_t cls) noexcept:
    if side.classes[cls].fresh_at == NONE:
        side.classes[cls].fresh_at = side.fresh_count
        side.fresh[side.fresh_count] = cls
        side.fresh_count += 1


cdef inline void settle(Side *side, uint32_t cls) noexcept:
    """The class is fresh no more; the last one takes its place in the list."""
    cdef uint32_t at = side.classes[cls].fresh_at
    if at != NONE:
        side.classes[cls].fresh_at = NONE
        side.fresh_count -= 1
        if at < side.fresh_count:
            side.fresh[at] = side.fresh[side.fresh_count]
            side.classes[side.fresh[at]].fresh_at = at


cdef inline void schedule(Side *side, uint32_t cls) noexcept:
    """Put the class on the agenda by its head of now, if it has one and is not there with an earlier one."""
    cdef Entry entry = side.heads[cls]
    cdef uint32_t at = side.agenda_at[cls]
    if entry.slot == NONE:
        return
    if at == NONE:
        at = side.agenda_size
        side.agenda_size += 1
    elif not before(&entry.key, &side.agenda[at].key):
        return
    entry.slot = cls
    rise(side.agenda, side.agenda_at, 1, at, &entry)


cdef inline void strike(Side *side, uint32_t cls) noexcept:
    """Take the class off the agenda."""
    cdef uint32_t at = side.agenda_at[cls]
    if at != NONE:
        side.agenda_at[cls] = NONE
        side.agenda_size -= 1
        fill_hole(side.agenda, side.agenda_at, 1, side.agenda_size, at)


# Links


cdef inline int reserve_links(Class *owner, uint64_t count) except -1:
    cdef uint32_t room = owner.link_room
    while room < count:
        room = wider(room)
    if room > owner.link_room:
        owner.links = <uint32_t *>resized(owner.links, room, sizeof(uint32_t))
        owner.costs = <int64_t *>resized(owner.costs, room, sizeof(int64_t))
        owner.twins = <uint32_t *>resized(owner.twins, room, sizeof(uint32_t))
        owner.link_room = room
    return 0


cdef inline void add_link(Class *owner, uint32_t cls, int64_t cost, uint32_t twin) noexcept:
    owner.links[owner.link_count] = cls
    owner.costs[owner.link_count] = cost
    owner.twins[owner.link_count] = twin
    owner.link_count += 1


cdef inline void cut_link(Side *opposite, Class *owner, uint32_t at) noexcept:
    """Take a link out of the list of one of its classes; the last one takes its place."""
    cdef uint32_t last = owner.link_count - 1
    owner.link_count = last
    if at < last:
        owner.links[at] = owner.links[last]
        owner.costs[at] = owner.costs[last]
        owner.twins[at] = owner.twins[last]
        opposite.classes[owner.links[at]].twins[owner.twins[at]] = at


cdef inline void cut_links(Side *side, Side *opposite, uint32_t cls) noexcept:
    """Cut all links of a class, on both sides."""
    cdef Class *owner = &side.classes[cls]
    while owner.link_count:
        owner.link_count -= 1
        cut_link(side, &opposite.classes[owner.links[owner.link_count]], owner.twins[owner.link_count])


cdef inline int drop_class(Side *side, Side *opposite, int64_t number) except -1:
    cdef uint32_t cls = find_slot(&side.class_ids, number)
    check_id(number)
    if cls == NONE:
        return 0
    if side.classes[cls].size:
        raise ValueError(f"class {number} has members")
    cut_links(side, opposite, cls)
    settle(side, cls)
    strike(side, cls)
    close_class(&side.classes[cls])
    side.classes[cls] = Class(NULL, 0, 0, NULL, NULL, NULL, 0, 0, NONE, 0, False)
    remove_slot(&side.class_ids, cls)
    return 0


# Members of a side


cdef inline int reserve_member(Side *side, Class *owner) except -1:
    """Make room for one more in the side and in this class."""
    cdef uint32_t lane, room
    reserve_slot(&side.members)
    if side.place_room < side.members.room:
        side.places = <uint32_t *>resized(
            side.places, <uint64_t>side.members.room * side.stride, sizeof(uint32_t)
        )
        side.place_room = side.members.room
    if owner.size == owner.room:
        room = wider(owner.room)
        owner.heaps = <Entry *>resized(owner.heaps, <uint64_t>room * side.lanes, sizeof(Entry))
        for lane in range(side.lanes - 1, 0, -1):
            memmove(
                &owner.heaps[<uint64_t>lane * room],
                &owner.heaps[<uint64_t>lane * owner.room],
                owner.size * sizeof(Entry),
            )
        owner.room = room
    return 0


cdef inline int add(Side *side, int64_t class_id, int64_t number, const Key *keys, bint barred) except -1:
    """Add a member with this id, and a key for each lane."""
    cdef uint32_t cls, lane
    cdef Class *owner
    cdef Entry entry
    check_id(number)
    if find_slot(&side.members, number) != NONE:
        raise ValueError(f"{number} is here already")
    cls = class_of(side, class_id)
    owner = &side.classes[cls]
    reserve_member(side, owner)
    entry.slot = add_slot(&side.members, number)
    entry.barred = barred
    side.places[<uint64_t>entry.slot * side.stride] = cls
    owner.size += 1
    for lane in range(side.lanes):
        entry.key = keys[lane]
        rise(&owner.heaps[<uint64_t>lane * owner.room], side.places + 1 + lane, side.stride, owner.size - 1, &entry)
    show_heads(side, cls)
    refresh(side, cls)
    return 0


cdef inline Entry *find(Side *side, int64_t number) noexcept:
    """The entry of this member in the first lane, NULL when it is not here."""
    cdef uint32_t slot = find_slot(&side.members, number)
    cdef uint32_t *place
    if slot == NONE:
        return NULL
    place = &side.places[<uint64_t>slot * side.stride]
    return &side.classes[place[0]].heaps[place[1]]


cdef inline void remove(Side *side, uint32_t slot) noexcept:
    cdef uint32_t *place = &side.places[<uint64_t>slot * side.stride]
    cdef Class *owner = &side.classes[place[0]]
    cdef uint32_t lane
    remove_slot(&side.members, slot)
    owner.size -= 1
    for lane in range(side.lanes):
        fill_hole(
            &owner.heaps[<uint64_t>lane * owner.room], side.places + 1 + lane, side.stride, owner.size, place[1 + lane]
        )
    show_heads(side, place[0])


cdef inline int take(Side *side, int64_t number) except -1:
    cdef uint32_t slot = find_slot(&side.members, number)
    if slot == NONE:
        raise KeyError(number)
    remove(side, slot)
    return 0
