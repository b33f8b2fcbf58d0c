# cython: boundscheck=False, wraparound=False, cdivision=True
"""Which waiting call goes to which free seat: the compiled build. The manual is match.pyi, the oracle match_py.py.

Theory of operation. Who may serve whom is said of classes only, so the calls of one class differ by their order alone,
and one heap holds each class; seats likewise (heaps.pxd). `match` takes the least head among the call classes that have
a linked class of seats with somebody in it, then the least head among those.

It looks only where a pair can have come into being. A class is *fresh* from the moment it gets a member (or a link, or
one of its calls loses a bar) until `match` has found nothing more. Hence the invariant: every possible pair has a fresh
class on one side or the other. With none fresh the answer None costs nothing; one seat come free costs one reading of
the heads of the classes it may serve.

Bars are the exception to "classes only". An entry says whether its call has any, and only then they are consulted. A head
that may not go is looked past by walking down its heap: a member can be the answer only where all above it are not, so
the walk touches four entries for each one it passes over, and keeps the order.
"""

cimport cython
from cpython.long cimport PyLong_AsLongLong as int64  # unlike Cython's own conversion it takes no float
from libc.stdint cimport UINT32_MAX as NONE, int64_t, uint32_t, uint64_t

from _fastpath.heaps cimport (
    Class, Entry, Key, Side, add, before, check_id, class_of, close_side, find, nobody, open_side, refresh, remove,
    resized, settle, take, wider,
)

cdef struct Pick:  # the best found so far
    Key key
    uint32_t cls
    uint32_t at


cdef inline void choose(Pick *pick, const Key *key, uint32_t cls, uint64_t at) noexcept:
    pick.key = key[0]
    pick.cls = cls
    pick.at = <uint32_t>at


cdef int reserve_links(Class *owner, uint64_t count) except -1:
    cdef uint32_t room = owner.link_room
    while room < count:
        room = wider(room)
    if room > owner.link_room:
        owner.links = <uint32_t *>resized(owner.links, room, sizeof(uint32_t))
        owner.link_room = room
    return 0


cdef void connect(Class *owner, uint32_t cls) noexcept:
    owner.links[owner.link_count] = cls
    owner.link_count += 1


cdef void disconnect(Class *owner, uint32_t cls) noexcept:
    cdef uint32_t at = 0
    while owner.links[at] != cls:
        at += 1
    owner.link_count -= 1
    owner.links[at] = owner.links[owner.link_count]


cdef void mark_barred(Side *calls, Entry *entry, bint barred) noexcept:
    cdef uint32_t cls = calls.places[entry.slot].cls
    entry.barred = barred
    calls.heads[cls] = calls.classes[cls].heap[0]


@cython.final
cdef class Matcher:
    cdef Side calls
    cdef Side seats
    cdef dict bars  # call -> frozenset of seats, never empty

    def __cinit__(self):
        self.bars = {}
        open_side(&self.calls)
        open_side(&self.seats)

    def __dealloc__(self):
        close_side(&self.calls)
        close_side(&self.seats)

    def link(self, seat_class, call_classes):
        cdef uint32_t seat_cls = class_of(&self.seats, int64(seat_class)), call_cls, at
        cdef list wanted = list(dict.fromkeys([class_of(&self.calls, int64(number)) for number in call_classes]))
        cdef Class *server = &self.seats.classes[seat_cls]
        cdef Class *served
        reserve_links(server, len(wanted))
        for call_cls in wanted:
            served = &self.calls.classes[call_cls]
            reserve_links(served, <uint64_t>served.link_count + 1)
        for at in range(server.link_count):
            disconnect(&self.calls.classes[server.links[at]], seat_cls)
        server.link_count = 0
        for call_cls in wanted:
            connect(&self.calls.classes[call_cls], seat_cls)
            connect(server, call_cls)
        refresh(&self.seats, seat_cls)

    def wait(self, call, call_class, rank, due):
        cdef Key key = Key(int64(rank), int64(due), int64(call))
        add(&self.calls, int64(call_class), key, len(self.bars) != 0 and key.id in self.bars)

    def leave(self, call):
        take(&self.calls, int64(call))

    def free(self, seat, seat_class, key):
        add(&self.seats, int64(seat_class), Key(int64(key), 0, int64(seat)), False)

    def busy(self, seat):
        take(&self.seats, int64(seat))

    def bar(self, call, seat):
        cdef int64_t call_id = int64(call), seat_id = int64(seat)
        cdef Entry *entry = find(&self.calls, call_id)
        check_id(call_id)
        check_id(seat_id)
        if seat_id in self.bars.get(call_id, ()):
            raise ValueError(f"call {call_id} is barred from seat {seat_id} already")
        self.bars[call_id] = self.bars.get(call_id, frozenset()) | {seat_id}
        if entry != NULL:
            mark_barred(&self.calls, entry, True)

    def unbar(self, call, seat):
        cdef int64_t call_id = int64(call), seat_id = int64(seat)
        cdef Entry *entry = find(&self.calls, call_id)
        if seat_id not in self.bars.get(call_id, ()):
            raise KeyError((call_id, seat_id))
        left = self.bars[call_id] - {seat_id}
        if left:
            self.bars[call_id] = left
        else:
            del self.bars[call_id]
        if entry != NULL:
            mark_barred(&self.calls, entry, bool(left))
            refresh(&self.calls, self.calls.places[entry.slot].cls)

    def match(self):
        cdef Pick call, seat
        self.best_call(&call)
        if call.cls == NONE:  # nothing possible is left, so nothing is fresh
            while self.calls.fresh_count:
                settle(&self.calls, 0)
            while self.seats.fresh_count:
                settle(&self.seats, 0)
            return None
        self.best_seat(call.cls, &self.calls.classes[call.cls].heap[call.at], &seat)
        remove(&self.calls, call.cls, call.at)
        remove(&self.seats, seat.cls, seat.at)
        return call.key.id, seat.key.id

    def waiting(self):
        return self.calls.members.count

    def idle(self):
        return self.seats.members.count

    cdef int best_call(self, Pick *pick) except -1:
        """The first call that some free seat may take."""
        cdef uint32_t cls, seat_cls
        cdef Class *server
        cdef Entry none = nobody()
        choose(pick, &none.key, NONE, 0)
        if self.reach() <= self.calls.class_ids.count:
            for cls in self.calls.fresh[: self.calls.fresh_count]:
                self.consider(cls, pick)
            for seat_cls in self.seats.fresh[: self.seats.fresh_count]:
                server = &self.seats.classes[seat_cls]
                for cls in server.links[: server.link_count]:
                    self.consider(cls, pick)
        else:  # so much is fresh that looking at every class is less work
            for cls in range(self.calls.class_ids.count):
                if before(&self.calls.heads[cls].key, &pick.key) and self.is_served(cls):
                    self.consider(cls, pick)
        return 0

    cdef uint64_t reach(self) noexcept:
        """How many classes of calls what is fresh bears on; drops from it what can pair with nobody."""
        cdef uint32_t at = self.calls.fresh_count
        cdef uint64_t total = 0
        while at:
            at -= 1
            if not self.is_served(self.calls.fresh[at]):
                settle(&self.calls, at)
        at = self.seats.fresh_count
        while at:
            at -= 1
            if self.seats.classes[self.seats.fresh[at]].size:
                total += self.seats.classes[self.seats.fresh[at]].link_count
            else:
                settle(&self.seats, at)
        return total + self.calls.fresh_count

    cdef inline bint is_served(self, uint32_t cls) noexcept:
        """Whether a linked class has a free seat."""
        cdef Class *owner = &self.calls.classes[cls]
        cdef uint32_t seat_cls
        for seat_cls in owner.links[: owner.link_count]:
            if self.seats.classes[seat_cls].size:
                return True
        return False

    cdef inline int consider(self, uint32_t cls, Pick *pick) except -1:
        """Choose the first call of a served class if it is better."""
        cdef const Entry *head = &self.calls.heads[cls]
        if before(&head.key, &pick.key):
            if head.barred:
                return self.first_call(cls, 0, pick)
            choose(pick, &head.key, cls, 0)
        return 0

    cdef int first_call(self, uint32_t cls, uint64_t at, Pick *pick) except -1:
        """The first call at or below this place of a heap that bars do not keep from every free seat."""
        cdef Class *owner = &self.calls.classes[cls]
        cdef Pick seat
        cdef uint64_t child
        if at >= owner.size or not before(&owner.heap[at].key, &pick.key):
            return 0
        if not owner.heap[at].barred or self.best_seat(cls, &owner.heap[at], &seat):
            choose(pick, &owner.heap[at].key, cls, at)
            return 0
        for child in range(4 * at + 1, 4 * at + 5):
            self.first_call(cls, child, pick)
        return 0

    cdef bint best_seat(self, uint32_t call_cls, const Entry *call, Pick *pick) except -1:
        """The first free seat for this call; False when there is none."""
        cdef Class *owner = &self.calls.classes[call_cls]
        cdef frozenset refused = self.bars[call.key.id] if call.barred else None
        cdef Entry none = nobody()
        cdef uint32_t cls
        choose(pick, &none.key, NONE, 0)
        for cls in owner.links[: owner.link_count]:
            if before(&self.seats.heads[cls].key, &pick.key):
                if refused is None:
                    choose(pick, &self.seats.heads[cls].key, cls, 0)
                else:
                    self.first_seat(cls, 0, refused, pick)
        return pick.cls != NONE

    cdef int first_seat(self, uint32_t cls, uint64_t at, frozenset refused, Pick *pick) except -1:
        """The first seat at or below this place of a heap that is not refused."""
        cdef Class *owner = &self.seats.classes[cls]
        cdef uint64_t child
        if at >= owner.size or not before(&owner.heap[at].key, &pick.key):
            return 0
        if owner.heap[at].key.id not in refused:
            choose(pick, &owner.heap[at].key, cls, at)
            return 0
        for child in range(4 * at + 1, 4 * at + 5):
            self.first_seat(cls, child, refused, pick)
        return 0
