/* One exchange with a server, during which other threads have the interpreter.
 *
 * talk(sock, data): write a small command and read what comes back. Two calls of the socket module give the
 * interpreter's lock away and take it back twice; this gives it away once. Threads that compete for that lock wait for
 * it half as often.
 *
 * Rule 1: it does what ``sock.send`` followed by ``sock.recv`` would do, and nothing else: the socket's own timeout
 *         (SO_RCVTIMEO) ends the read, and a signal handler runs when a system call is interrupted (PEP 475).
 * Rule 2: the descriptor is asked of the socket each time, also after a signal handler, which may have closed it. So a
 *         closed socket raises an error instead of using a descriptor that is somebody else's by now.
 * Rule 3: nothing is kept from one call to the next. So it needs no lock, in builds without the interpreter's lock too.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <sys/socket.h>

/* A reply that does not fit is read on by the caller. It lies on the stack of a thread, which may be small. */
#define ROOM 16384

PyDoc_STRVAR(talk_doc,
             "talk($module, sock, data, /)\n"
             "--\n"
             "\n"
             "Write ``data`` to a blocking socket, then read once. Return how many bytes were written and what came.\n"
             "\n"
             "The answer is None if the read timed out or not all of ``data`` was written, and empty at the end of the\n"
             "stream. Raises OSError as ``sock.send`` and ``sock.recv`` do.");

static PyObject *
talk(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    char answer[ROOM];
    char *data;
    Py_ssize_t size, sent = -1, got = -1;
    int descriptor, error, is_interrupted;

    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "talk() takes a socket and bytes, not %zd arguments", count);
    if (PyBytes_AsStringAndSize(args[1], &data, &size) < 0)
        return NULL;
    do {
        if ((descriptor = PyObject_AsFileDescriptor(args[0])) < 0) {
            if (!PyErr_ExceptionMatches(PyExc_ValueError))
                return NULL;
            PyErr_Clear(); /* the socket is closed: what ``sock.send`` says then */
            errno = EBADF;
            return PyErr_SetFromErrno(PyExc_OSError);
        }
        Py_BEGIN_ALLOW_THREADS
        if (sent < 0)
            sent = send(descriptor, data, (size_t)size, 0);
        if (sent == size)
            got = recv(descriptor, answer, sizeof answer, 0);
        error = errno;
        Py_END_ALLOW_THREADS
        is_interrupted = (sent < 0 || (sent == size && got < 0)) && error == EINTR;
        if (is_interrupted && PyErr_CheckSignals() < 0)
            return NULL;
    } while (is_interrupted);

    if (got >= 0)
        return Py_BuildValue("ny#", sent, answer, got);
    if (sent >= 0 && (sent < size || error == EAGAIN || error == EWOULDBLOCK))
        return Py_BuildValue("nO", sent, Py_None);
    errno = error;
    return PyErr_SetFromErrno(PyExc_OSError);
}

static PyMethodDef functions[] = {
    {"talk", (PyCFunction)(void (*)(void))talk, METH_FASTCALL, talk_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "respool_speed._talk",
    .m_size = 0,
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__talk(void)
{
    return PyModuleDef_Init(&module);
}
