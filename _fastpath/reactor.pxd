"""What other compiled modules inherit and call of reactor.pyx."""


cdef class Connection:
    cdef:
        int _file
        Reactor _reactor
        bytes _unsent
        object __weakref__

    cdef int take(self, const char *data, Py_ssize_t size) except -1
    cdef int put(self, const char *data, Py_ssize_t size) except -1
    cpdef close(self)


cdef class Reactor:
    cdef:
        object _loop
        int _poll
        set _connections
        list _closed
        bint _is_awake

    cdef int _ask(self, int what, Connection connection, bint to_write) except -1
    cdef int _serve(self, Connection connection, bint can_write) except -1
