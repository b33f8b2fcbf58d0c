# cython: boundscheck=False, wraparound=False, cdivision=True
"""Which waiting call goes to which free seat: the compiled build. The manual is match.pyi, the oracle match_py.py.

Theory of operation. Who may serve whom, and at what cost, is said of classes only, so the calls of one class differ by
their order alone, and one heap holds each class; seats likewise, with one heap a lane (heaps.pxd, classes.pxd). `match` takes the
least head among the call classes that have a linked class of seats with somebody in it, then the least head among those.

It looks only where a pair can have come into being. A class is *fresh* from the moment it gets a member (or a link, or
is opened, or one of its calls loses a bar) until the next `match` has looked at it. One seat come free costs one
reading of the heads of the classes it may serve. What a pair leaves behind of the fresh, as when many seats come free
at once, is not read again for each pair: its call classes go on the *agenda*, a heap by their heads, and each pair more
is found at its top. Hence the invariant: every possible pair has a fresh class on one side or the other, or its call
class is on the agenda. When nothing is found, nothing possible is left, and both are cleared.

An entry of the agenda may be out of date: early, then it is brought down when it comes to the top; or late, then its
class is fresh. A closed class shows nobody as its head, so it is in nobody's way.

Bars are the exception to "classes only". An entry says whether its call has any, and only then they are consulted. A head
that may not go is looked past by walking down its heap: a member can be the answer only where all above it are not, so
the walk touches four entries for each one it passes over, and keeps the order.
"""

cimport cython
from cpython.long cimport PyLong_AsLongLong as int64  # unlike Cython's own conversion it takes no float
from libc.stdint cimport INT64_MAX, UINT32_MAX as NONE, int64_t, uint32_t, uint64_t

from _fastpath.classes cimport (
    add, add_link, class_of, close_side, cut_links, drop_class, fetch_member, first_planned, open_side, refresh,
    remove, reserve_links, schedule, settle, show_heads, strike, take,
)
from _fastpath.heaps cimport LANES_MAX, Class, Entry, Side, before, nobody
from _fastpath.index cimport check_id, fetch_slot, find_slot, record


cdef inline void choose(Pick *pick, int64_t cost, const Entry *entry, int64_t number, uint32_t cls) noexcept:
    pick.cost = cost
    pick.entry = entry[0]
    pick.id = number
    pick.cls = cls


cdef inline void choose_none(Pick *pick) noexcept:
    cdef Entry none = nobody()
    choose(pick, INT64_MAX, &none, -1, NONE)


cdef inline uint32_t least_alone(const uint64_t *gists, const uint32_t *links, uint32_t count, uint64_t *least) noexcept:
    """Lower `least` to the least gist of these classes, and tell whose it is; NONE if it did not sink, or is of several.

    There is nothing in it that the processor would have to guess: a wrong guess costs as much as ten classes.
    """
    cdef uint64_t lowest = least[0], gist
    cdef uint32_t at, found = NONE, again = 0
    for at in range(count):
        gist = gists[links[at]]
        again = (again & (gist >= lowest)) | (gist == lowest)
        found = links[at] if gist < lowest else found
        lowest = gist if gist < lowest else lowest
    least[0] = lowest
    return NONE if again else found


cdef uint32_t mark_barred(Side *calls, int64_t call, bint barred) noexcept:
    """Say whether a call has bars; its class, NONE when it does not wait."""
    cdef uint32_t slot = find_slot(&calls.members, call), cls
    if slot == NONE:
        return NONE
    cls = calls.class_at[slot]
    calls.classes[cls].heaps[calls.places[slot]].barred = barred
    show_heads(calls, cls)
    return cls


@cython.final
cdef class Matcher:

    def __cinit__(self, lanes=1):
        cdef int64_t count = int64(lanes)
        if not 1 <= count <= LANES_MAX:
            raise ValueError(f"a matcher has 1 to {LANES_MAX} lanes, not {count}")
        self.bars = {}
        open_side(&self.calls, 1, 2)
        open_side(&self.seats, <uint32_t>count, 1)

    def __dealloc__(self):
        close_side(&self.calls)
        close_side(&self.seats)

    def link(self, seat_class, call_classes):
        cdef int64_t seat_number = int64(seat_class), number, cost
        # All of Python's part comes first: what follows holds pointers that another call of a method would move.
        cdef dict wanted = {int64(call_class): int64(price) for call_class, price in call_classes}
        cdef uint32_t seat_cls = class_of(&self.seats, seat_number), call_cls
        cdef Class *server
        cdef Class *served
        reserve_links(&self.seats.classes[seat_cls], len(wanted))
        for number in wanted:
            call_cls = class_of(&self.calls, number)
            reserve_links(&self.calls.classes[call_cls], <uint64_t>self.calls.classes[call_cls].link_count + 1)
        cut_links(&self.seats, &self.calls, seat_cls)
        server = &self.seats.classes[seat_cls]
        for number, cost in wanted.items():
            call_cls = find_slot(&self.calls.class_ids, number)
            served = &self.calls.classes[call_cls]
            add_link(served, seat_cls, cost, server.link_count)
            add_link(server, call_cls, cost, served.link_count - 1)
        refresh(&self.seats, seat_cls)

    def lane(self, call_class, lane):
        cdef int64_t number = int64(call_class), wanted = int64(lane)
        check_id(number)
        if not 0 <= wanted < self.seats.lanes:
            raise ValueError(f"there is no lane {wanted}")
        cdef uint32_t cls = class_of(&self.calls, number)
        self.calls.classes[cls].lane = <uint32_t>wanted

    def close(self, call_class):
        cdef uint32_t cls = class_of(&self.calls, int64(call_class))
        self.calls.classes[cls].closed = True
        show_heads(&self.calls, cls)

    def open(self, call_class):
        cdef uint32_t cls = class_of(&self.calls, int64(call_class))
        if self.calls.classes[cls].closed:
            self.calls.classes[cls].closed = False
            show_heads(&self.calls, cls)
            refresh(&self.calls, cls)

    def drop_seat_class(self, seat_class):
        drop_class(&self.seats, &self.calls, int64(seat_class))

    def drop_call_class(self, call_class):
        drop_class(&self.calls, &self.seats, int64(call_class))

    def wait(self, call, call_class, rank, due):
        cdef int64_t[2] key = [int64(rank), int64(due)]
        cdef int64_t number = int64(call)
        add(&self.calls, int64(call_class), number, key, len(self.bars) != 0 and number in self.bars)

    def leave(self, call):
        take(&self.calls, int64(call))

    def free(self, seat, seat_class, *keys):
        cdef int64_t[LANES_MAX] orders
        cdef int64_t number = int64(seat), class_number = int64(seat_class)
        cdef Py_ssize_t at, lanes = self.seats.lanes
        if len(keys) != lanes:
            raise TypeError(f"a seat has {lanes} keys here, one a lane, not {len(keys)}")
        for at in range(lanes):
            orders[at] = int64((<tuple>keys)[at])
        add(&self.seats, class_number, number, orders, False)

    def busy(self, seat):
        take(&self.seats, int64(seat))

    def bar(self, call, seat):
        cdef int64_t call_id = int64(call), seat_id = int64(seat)
        check_id(call_id)
        check_id(seat_id)
        if seat_id in self.bars.get(call_id, ()):
            raise ValueError(f"call {call_id} is barred from seat {seat_id} already")
        self.bars[call_id] = self.bars.get(call_id, frozenset()) | {seat_id}
        mark_barred(&self.calls, call_id, True)

    def unbar(self, call, seat):
        cdef int64_t call_id = int64(call), seat_id = int64(seat)
        cdef uint32_t cls
        if seat_id not in self.bars.get(call_id, ()):
            raise KeyError((call_id, seat_id))
        left = self.bars[call_id] - {seat_id}
        if left:
            self.bars[call_id] = left
        else:
            del self.bars[call_id]
        cls = mark_barred(&self.calls, call_id, bool(left))
        if cls != NONE:
            refresh(&self.calls, cls)

    def match(self):
        cdef Pick call, seat
        return (call.id, seat.id) if self.take_pair(&call, &seat) else None

    def best_seat(self, call_class, barred=()):
        cdef int64_t number = int64(call_class)
        cdef frozenset refused = frozenset([int64(seat) for seat in barred])
        cdef uint32_t cls = find_slot(&self.calls.class_ids, number)
        cdef Pick pick
        check_id(number)
        if cls == NONE:
            return None
        self.seat_for(cls, refused if refused else None, &pick)
        return None if pick.cls == NONE else pick.id

    def waiting(self):
        return self.calls.members.count

    def idle(self):
        return self.seats.members.count

    cdef bint take_pair(self, Pick *call, Pick *seat) except -1:
        """Take out the best pair; False when there is none."""
        cdef const Class *served
        cdef uint64_t head
        self.best_call(call)
        if call.cls == NONE:
            self.calm()
            return False
        served = &self.calls.classes[call.cls]
        fetch_slot(&self.calls.members, call.id)
        fetch_member(&self.calls, call.cls, call.entry.slot)
        if call.entry.barred:
            self.seat_for(call.cls, self.bars[call.id], seat)
        elif self.seats.fresh_count == 1 and served.fresh_at == NONE and self.calls.agenda_at[call.cls] == NONE:
            # The call was found through this one class of seats, so by the invariant no other can serve it.
            head = <uint64_t>self.seats.fresh[0] * self.seats.lanes + served.lane
            choose(seat, 0, &self.seats.heads[head], self.seats.names[head], self.seats.fresh[0])
        else:
            self.seat_for(call.cls, None, seat)
        remove(&self.seats, seat.cls, seat.entry.slot, seat.id)
        remove(&self.calls, call.cls, call.entry.slot, call.id)
        self.plan()
        return True

    cdef int best_call(self, Pick *pick) except -1:
        """The first call that some free seat may take."""
        cdef uint32_t cls, seat_cls
        cdef uint64_t least
        cdef const Class *server
        choose_none(pick)
        for seat_cls in self.seats.fresh[: self.seats.fresh_count]:
            server = &self.seats.classes[seat_cls]
            if server.size:
                least = pick.entry.gist
                cls = least_alone(self.calls.gists, server.links, server.link_count, &least)
                if cls != NONE and not self.calls.heads[cls].barred:
                    choose(pick, 0, &self.calls.heads[cls], self.calls.names[cls], cls)
                    continue
                for cls in server.links[: server.link_count]:
                    if self.calls.gists[cls] <= pick.entry.gist:
                        self.consider(cls, pick)
        for cls in self.calls.fresh[: self.calls.fresh_count]:
            if before(&self.calls, 0, &self.calls.heads[cls], &pick.entry) and self.is_served(cls):
                self.consider(cls, pick)
        cls = first_planned(&self.calls)
        while cls != NONE and self.calls.agenda[0].gist <= pick.entry.gist:
            if self.is_served(cls):
                return self.read_agenda(0, pick)
            strike(&self.calls, cls)
            cls = first_planned(&self.calls)
        return 0

    cdef void plan(self) noexcept:
        """Put on the agenda what a pair left of the fresh."""
        cdef uint32_t cls, seat_cls
        cdef const Class *server
        while self.seats.fresh_count:
            seat_cls = self.seats.fresh[self.seats.fresh_count - 1]
            server = &self.seats.classes[seat_cls]
            if server.size:
                for cls in server.links[: server.link_count]:
                    schedule(&self.calls, cls)
            settle(&self.seats, seat_cls)
        while self.calls.fresh_count:
            cls = self.calls.fresh[self.calls.fresh_count - 1]
            schedule(&self.calls, cls)
            settle(&self.calls, cls)
        cls = first_planned(&self.calls)
        if cls != NONE:  # most likely the next one: by then its memory is at hand
            fetch_member(&self.calls, cls, self.calls.heads[cls].slot)

    cdef void calm(self) noexcept:
        """No pair is possible: nothing is fresh, and the agenda is empty."""
        while self.calls.agenda_size:
            self.calls.agenda_size -= 1
            self.calls.agenda_at[self.calls.agenda[self.calls.agenda_size].slot] = NONE
        while self.calls.fresh_count:
            settle(&self.calls, self.calls.fresh[self.calls.fresh_count - 1])
        while self.seats.fresh_count:
            settle(&self.seats, self.seats.fresh[self.seats.fresh_count - 1])

    cdef inline bint is_served(self, uint32_t cls) noexcept:
        """Whether a linked class has a free seat."""
        cdef const Class *owner = &self.calls.classes[cls]
        cdef uint32_t seat_cls
        if self.seats.members.count:
            for seat_cls in owner.links[: owner.link_count]:
                if self.seats.heads[<uint64_t>seat_cls * self.seats.lanes].slot != NONE:
                    return True
        return False

    cdef inline int consider(self, uint32_t cls, Pick *pick) except -1:
        """Choose the first call of a served class if it is better."""
        cdef const Entry *head = &self.calls.heads[cls]
        if before(&self.calls, 0, head, &pick.entry):
            if head.barred:
                return self.first_call(cls, 0, pick)
            choose(pick, 0, head, self.calls.names[cls], cls)
        return 0

    cdef int read_agenda(self, uint64_t at, Pick *pick) except -1:
        """Consider the classes at or below this place of the agenda."""
        cdef uint64_t child
        if at >= self.calls.agenda_size or self.calls.agenda[at].gist > pick.entry.gist:
            return 0
        if at == 0 or self.is_served(self.calls.agenda[at].slot):
            self.consider(self.calls.agenda[at].slot, pick)
        for child in range(4 * at + 1, 4 * at + 5):
            self.read_agenda(child, pick)
        return 0

    cdef int first_call(self, uint32_t cls, uint64_t at, Pick *pick) except -1:
        """The first call at or below this place of a heap that bars do not keep from every free seat."""
        cdef const Class *owner = &self.calls.classes[cls]
        cdef const Entry *entry = &owner.heaps[at]
        cdef Pick seat
        cdef uint64_t child
        if at >= owner.size or not before(&self.calls, 0, entry, &pick.entry):
            return 0
        if entry.barred:
            self.seat_for(cls, self.bars[record(&self.calls.members, entry.slot)[0]], &seat)
        if not entry.barred or seat.cls != NONE:
            choose(pick, 0, entry, record(&self.calls.members, entry.slot)[0], cls)
            return 0
        for child in range(4 * at + 1, 4 * at + 5):
            self.first_call(cls, child, pick)
        return 0

    cdef inline bint is_better(self, int64_t cost, uint32_t lane, const Entry *entry, const Pick *pick) noexcept:
        """Whether a seat at this cost is better than the one chosen."""
        if cost != pick.cost:
            return cost < pick.cost
        return before(&self.seats, lane, entry, &pick.entry)

    cdef int seat_for(self, uint32_t cls, frozenset refused, Pick *pick) except -1:
        """The first free seat for a call of this class that is not refused."""
        cdef const Class *owner = &self.calls.classes[cls]
        cdef const Entry *head
        cdef uint64_t place
        cdef uint32_t at
        choose_none(pick)
        for at in range(owner.link_count):
            place = <uint64_t>owner.links[at] * self.seats.lanes + owner.lane
            head = &self.seats.heads[place]
            if head.slot != NONE and self.is_better(owner.costs[at], owner.lane, head, pick):
                if refused is None:
                    choose(pick, owner.costs[at], head, self.seats.names[place], owner.links[at])
                else:
                    self.first_seat(owner.links[at], owner.lane, 0, owner.costs[at], refused, pick)
        return 0

    cdef int first_seat(
        self, uint32_t cls, uint32_t lane, uint64_t at, int64_t cost, frozenset refused, Pick *pick
    ) except -1:
        """The first seat at or below this place of a heap that is not refused."""
        cdef const Class *owner = &self.seats.classes[cls]
        cdef const Entry *entry = &owner.heaps[<uint64_t>lane * owner.room + at]
        cdef uint64_t child
        cdef int64_t number
        if at >= owner.size or not self.is_better(cost, lane, entry, pick):
            return 0
        number = record(&self.seats.members, entry.slot)[0]
        if number not in refused:
            choose(pick, cost, entry, number, cls)
            return 0
        for child in range(4 * at + 1, 4 * at + 5):
            self.first_seat(cls, lane, child, cost, refused, pick)
        return 0
