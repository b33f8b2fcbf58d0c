"""Classes, links and members of a side (heaps.pxd): how they come, change and go.

A link is an entry in the lists of both its classes, and each of the two knows the place of the other (`twins`), so that
a link is cut in O(1). Whoever changes a side reserves all memory first, so a MemoryError leaves it as it was.
"""

from cpython.mem cimport PyMem_Free
from libc.stdint cimport UINT32_MAX as NONE, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from _fastpath.heaps cimport (
    Class, Entry, Heap, Side, agenda_of, fill_hole, gist_of_call, gist_of_number, heap_of, nobody, rise, sink,
)
from _fastpath.index cimport (
    add_slot, check_id, fetch_early, find_slot, record, remove_slot, reserve_slot, resized, wider, widen_table, widened,
)

# Classes


cdef inline int open_side(Side *side, uint32_t lanes, uint32_t key_words) except -1:
    """Make an empty side of zeroed memory."""
    side.lanes = lanes
    side.key_words = key_words
    side.members.words = 1 + lanes * key_words
    side.class_ids.words = 1
    side.members.empty = side.class_ids.empty = NONE
    widen_table(&side.members, 3)
    widen_table(&side.class_ids, 3)
    return 0


cdef inline void close_class(Class *owner) noexcept:
    PyMem_Free(owner.block)
    PyMem_Free(owner.links)
    PyMem_Free(owner.costs)
    PyMem_Free(owner.twins)


cdef inline void close_side(Side *side) noexcept:
    cdef uint32_t cls
    for cls in range(side.class_ids.used):
        close_class(&side.classes[cls])
    PyMem_Free(side.classes)
    PyMem_Free(side.heads)
    PyMem_Free(side.gists)
    PyMem_Free(side.names)
    PyMem_Free(side.fresh)
    PyMem_Free(side.agenda)
    PyMem_Free(side.agenda_at)
    PyMem_Free(side.places)
    PyMem_Free(side.class_at)
    PyMem_Free(side.members.block)
    PyMem_Free(side.members.table)
    PyMem_Free(side.class_ids.block)
    PyMem_Free(side.class_ids.table)


cdef inline int widen_classes(Side *side, uint32_t room) except -1:
    side.classes = <Class *>resized(side.classes, room, sizeof(Class))
    side.heads = <Entry *>resized(side.heads, <uint64_t>room * side.lanes, sizeof(Entry))
    side.gists = <uint64_t *>resized(side.gists, <uint64_t>room * side.lanes, sizeof(uint64_t))
    side.names = <int64_t *>resized(side.names, <uint64_t>room * side.lanes, sizeof(int64_t))
    side.fresh = <uint32_t *>resized(side.fresh, room, sizeof(uint32_t))
    side.agenda = <Entry *>resized(side.agenda, room, sizeof(Entry))
    side.agenda_at = <uint32_t *>resized(side.agenda_at, room, sizeof(uint32_t))
    side.class_room = room
    return 0


cdef inline void show_heads(Side *side, uint32_t cls) noexcept:
    """Copy the first entry of each lane to where choosing looks."""
    cdef const Class *owner = &side.classes[cls]
    cdef uint64_t at = <uint64_t>cls * side.lanes
    cdef uint32_t lane
    for lane in range(side.lanes):
        if owner.size and not owner.closed:
            side.heads[at + lane] = owner.heaps[<uint64_t>lane * owner.room]
            side.names[at + lane] = record(&side.members, side.heads[at + lane].slot)[0]
        else:
            side.heads[at + lane] = nobody()
        side.gists[at + lane] = side.heads[at + lane].gist
    for lane in range(1, min(5, owner.size)):  # one of these will be the head
        fetch_early(record(&side.members, owner.heaps[lane].slot))


cdef inline void clear_class(Side *side, uint32_t cls) noexcept:
    side.classes[cls] = Class(NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, NONE, 0, False)
    show_heads(side, cls)


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
    side.agenda_at[cls] = NONE
    clear_class(side, cls)
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
    cdef Entry entry = Entry(side.heads[cls].gist, cls, False)
    cdef Heap agenda = agenda_of(side)
    cdef uint32_t at = side.agenda_at[cls]
    if side.heads[cls].slot == NONE:
        return
    if at == NONE:
        at = side.agenda_size
        side.agenda_size += 1
    elif entry.gist >= side.agenda[at].gist:
        return
    rise(&agenda, at, &entry)


cdef inline void strike(Side *side, uint32_t cls) noexcept:
    """Take the class off the agenda."""
    cdef Heap agenda = agenda_of(side)
    cdef uint32_t at = side.agenda_at[cls]
    if at != NONE:
        side.agenda_at[cls] = NONE
        side.agenda_size -= 1
        fill_hole(&agenda, side.agenda_size, at)


cdef inline uint32_t first_planned(Side *side) noexcept:
    """The class on top of the agenda, which is brought up to date for it; NONE when it is empty."""
    cdef Heap agenda = agenda_of(side)
    cdef Entry entry
    cdef const Entry *head
    while side.agenda_size:
        entry = side.agenda[0]
        head = &side.heads[entry.slot]
        if head.slot == NONE:
            strike(side, entry.slot)
        elif entry.gist < head.gist:
            entry.gist = head.gist
            sink(&agenda, side.agenda_size, 0, &entry)
        else:
            return entry.slot
    return NONE


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
    clear_class(side, cls)
    remove_slot(&side.class_ids, cls, number)
    return 0


# Members


cdef inline int reserve_member(Side *side, Class *owner) except -1:
    """Make room for one more in the side and in this class."""
    cdef uint32_t lane, room
    cdef Entry *moved
    cdef void *block = NULL
    reserve_slot(&side.members)
    if side.place_room < side.members.room:
        side.places = <uint32_t *>resized(side.places, <uint64_t>side.members.room * side.lanes, sizeof(uint32_t))
        side.class_at = <uint32_t *>resized(side.class_at, side.members.room, sizeof(uint32_t))
        side.place_room = side.members.room
    if owner.size == owner.room:
        room = (wider(owner.room) + 3) & ~<uint32_t>3  # so that in each lane the first child begins a cache line
        moved = <Entry *>widened(NULL, 0, <uint64_t>room * side.lanes * sizeof(Entry), sizeof(Entry), &block)
        for lane in range(side.lanes if owner.size else 0):
            memcpy(
                &moved[<uint64_t>lane * room],
                &owner.heaps[<uint64_t>lane * owner.room],
                <uint64_t>owner.size * sizeof(Entry),
            )
        PyMem_Free(owner.block)
        owner.heaps, owner.block, owner.room = moved, block, room
    return 0


cdef inline int add(Side *side, int64_t class_id, int64_t number, const int64_t *keys, bint barred) except -1:
    """Add a member with this id, and the key of each lane."""
    cdef uint32_t cls, lane, slot, at
    cdef Class *owner
    cdef Entry entry
    cdef Heap heap
    check_id(number)
    if find_slot(&side.members, number) != NONE:
        raise ValueError(f"{number} is here already")
    cls = class_of(side, class_id)
    owner = &side.classes[cls]
    reserve_member(side, owner)
    slot = add_slot(&side.members, number)
    for at in range(side.lanes * side.key_words):
        record(&side.members, slot)[1 + at] = keys[at]
    side.class_at[slot] = cls
    owner.size += 1
    for lane in range(side.lanes):
        entry.gist = gist_of_call(keys[0], keys[1]) if side.key_words == 2 else gist_of_number(keys[lane])
        entry.slot = slot
        entry.barred = barred
        heap = heap_of(side, cls, lane)
        rise(&heap, owner.size - 1, &entry)
    show_heads(side, cls)
    refresh(side, cls)
    return 0


cdef inline void fetch_member(const Side *side, uint32_t cls, uint32_t slot) noexcept:
    """Have the memory at hand that `remove` of the head of a class will read."""
    cdef const Class *owner = &side.classes[cls]
    cdef int line
    fetch_early(record(&side.members, slot))
    fetch_early(&side.places[<uint64_t>slot * side.lanes])
    fetch_early(&owner.heaps[1])
    fetch_early(&owner.heaps[owner.size - 1])
    for line in range(5, 21, 4):
        fetch_early(&owner.heaps[line])


cdef inline void remove(Side *side, uint32_t cls, uint32_t slot, int64_t number) noexcept:
    cdef uint32_t lane
    cdef Heap heap
    side.classes[cls].size -= 1
    for lane in range(side.lanes):
        heap = heap_of(side, cls, lane)
        fill_hole(&heap, side.classes[cls].size, side.places[<uint64_t>slot * side.lanes + lane])
    remove_slot(&side.members, slot, number)
    show_heads(side, cls)


cdef inline int take(Side *side, int64_t number) except -1:
    cdef uint32_t slot = find_slot(&side.members, number)
    if slot == NONE:
        raise KeyError(number)
    remove(side, side.class_at[slot], slot, number)
    return 0
