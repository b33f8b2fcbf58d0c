"""Connections beside the event loop: the compiled build. The manual is reactor.pyi, the oracle reactor_py.py.

Theory of operation. An event loop makes a transport, call-backs and contexts for each connection and runs through all of
them at every piece that comes; for connections that say one short line after the other that is most of the work. Here
all connections stand in one epoll set, and the loop watches that set alone: a set is ready when anything in it is. What
is ready is read into one buffer on the stack and handed on; what is to be sent is sent at once.

Nothing is missed: the set is level-triggered, so what a turn left over is reported again in the next. Who was served
comes behind those who were not (epoll_wait(2): ready ones are reported in turns), so nobody waits for ever. A turn asks
again while there is room in it: others became ready meanwhile, and to come back by way of the loop costs more.

An event holds a connection's address, not a reference. So whoever is closed while a turn is under way is kept until its
end, and passed over there.
"""

from libc.errno cimport EAGAIN, ECONNABORTED, EINTR, errno
from libc.stdint cimport uint32_t
from posix.unistd cimport close as close_file

import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    """

cdef extern from "<sys/epoll.h>":
    ctypedef union epoll_data_t:
        void *ptr
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    int epoll_create1(int flags)
    int epoll_ctl(int poll, int what, int file, epoll_event *event)
    int epoll_wait(int poll, epoll_event *events, int most, int wait_ms)
    enum: EPOLLIN, EPOLLOUT, EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL

cdef extern from "<sys/socket.h>":
    ssize_t recv(int file, void *data, size_t size, int flags)
    ssize_t send(int file, const void *data, size_t size, int flags)
    enum: MSG_DONTWAIT, MSG_NOSIGNAL

cdef extern from "<netdb.h>":
    struct sockaddr:
        pass
    struct sockaddr_storage:
        pass
    ctypedef unsigned int socklen_t
    int accept4(int file, sockaddr *address, socklen_t *size, int flags)
    int getnameinfo(const sockaddr *, socklen_t, char *host, socklen_t host_size, char *, socklen_t, int flags)
    enum: NI_NUMERICHOST, SOCK_CLOEXEC, SOCK_NONBLOCK

cdef enum:
    TURN_MOST = 64  # connections
    PIECE_MOST = 65_536  # bytes
    HOST_ROOM = 64


cdef class Connection:
    """A stream socket; what its peer says comes to its heir."""

    def __cinit__(self, *_, **__):
        self._file = -1

    def __dealloc__(self):
        if self._file >= 0:  # its reactor goes with it, unclosed
            close_file(self._file)

    def fileno(self):
        return self._file

    def write(self, bytes data not None):
        self.put(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

    cdef int put(self, const char *data, Py_ssize_t size) except -1:
        cdef ssize_t sent = 0
        if self._file < 0:
            return 0
        if self._unsent is None:
            sent = send(self._file, data, size, MSG_DONTWAIT | MSG_NOSIGNAL)
            if sent == size:
                return 0
            if sent < 0:
                if errno != EAGAIN and errno != EINTR:
                    return 0  # the peer is gone; the next turn finds out why
                sent = 0
            self._unsent = b""
            self._reactor._ask(EPOLL_CTL_MOD, self, True)
        self._unsent += PyBytes_FromStringAndSize(data + sent, size - sent)
        return 0

    cdef int take(self, const char *data, Py_ssize_t size) except -1:
        self.data_received(PyBytes_FromStringAndSize(data, size))
        return 0

    cpdef close(self):
        cdef Reactor reactor = self._reactor
        if self._file < 0:
            return
        epoll_ctl(reactor._poll, EPOLL_CTL_DEL, self._file, NULL)  # closing alone will not do while a process is forked
        close_file(self._file)
        self._file = -1
        self._unsent = self._reactor = None
        reactor._connections.discard(self)
        if reactor._is_awake:
            reactor._closed.append(self)

    def data_received(self, data):
        raise NotImplementedError

    def connection_lost(self, reason):
        raise NotImplementedError


cdef class Reactor:
    """All connections of one kind."""

    def __cinit__(self, loop):
        self._poll = -1
        self._loop = loop
        self._connections = set()
        self._closed = []

    def __dealloc__(self):
        if self._poll >= 0:
            close_file(self._poll)

    def __len__(self):
        return len(self._connections)

    def add(self, Connection connection not None, int file):
        assert connection._file < 0, "a connection is added once"
        if self._poll < 0:
            self._poll = epoll_create1(EPOLL_CLOEXEC)
            if self._poll < 0:
                raise OSError(errno, os.strerror(errno))
            self._loop.add_reader(self._poll, self._wake)
        connection._file = file
        try:
            self._ask(EPOLL_CTL_ADD, connection, False)
        except OSError:
            connection._file = -1
            raise
        connection._reactor = self
        self._connections.add(connection)

    def close(self):
        for connection in list(self._connections):
            (<Connection>connection).close()
        if self._poll >= 0:
            self._loop.remove_reader(self._poll)
            close_file(self._poll)
            self._poll = -1

    cdef int _ask(self, int what, Connection connection, bint to_write) except -1:
        """Tell the set what to watch for."""
        cdef epoll_event event
        event.events = EPOLLIN | EPOLLOUT if to_write else EPOLLIN
        event.data.ptr = <void *>connection
        if epoll_ctl(self._poll, what, connection._file, &event) < 0:
            raise OSError(errno, os.strerror(errno))
        return 0

    def _wake(self):
        """Serve those who are ready, a bounded number of them."""
        cdef epoll_event events[TURN_MOST]
        cdef int at, count, left = TURN_MOST
        cdef Connection connection
        self._is_awake = True
        try:
            while left > 0 and self._poll >= 0:
                count = epoll_wait(self._poll, events, left, 0)
                if count <= 0:
                    break
                left -= count
                for at in range(count):
                    connection = <Connection>events[at].data.ptr
                    try:
                        self._serve(connection, events[at].events & EPOLLOUT)
                    except Exception as error:
                        self._loop.call_exception_handler({"message": "a connection failed", "exception": error})
                        connection.close()
                        connection.connection_lost("a failure of ours")
        finally:
            self._is_awake = False
            self._closed.clear()

    cdef int _serve(self, Connection connection, bint can_write) except -1:
        """Read a piece, send what is left over."""
        cdef char data[PIECE_MOST]
        cdef ssize_t size
        cdef int error
        if connection._file < 0:  # closed in this turn
            return 0
        size = recv(connection._file, data, PIECE_MOST, MSG_DONTWAIT)
        error = errno
        if size > 0:
            connection.take(data, size)
        elif size == 0:
            connection.data_received(b"")
            connection.close()
        elif error != EAGAIN and error != EINTR:
            connection.close()
            connection.connection_lost(os.strerror(error))
        if can_write and connection._unsent is not None:
            unsent, connection._unsent = connection._unsent, None
            self._ask(EPOLL_CTL_MOD, connection, False)
            connection.put(PyBytes_AS_STRING(unsent), PyBytes_GET_SIZE(unsent))
        return 0


def accept(int listener):
    """Let in the next who waits."""
    cdef sockaddr_storage address
    cdef socklen_t size = sizeof(address)
    cdef char host[HOST_ROOM]
    cdef int file = accept4(listener, <sockaddr *>&address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK)
    cdef int error = errno
    if file >= 0:
        if getnameinfo(<sockaddr *>&address, size, host, HOST_ROOM, NULL, 0, NI_NUMERICHOST) != 0:
            host[0] = 0  # nobody's, who may not come in
        return file, host.decode("ascii", "replace")
    if error == EAGAIN or error == EINTR or error == ECONNABORTED:
        return None
    raise OSError(error, os.strerror(error))
