"""Answers the kernel's questions about a fenced command's network calls (seccomp_unotify(2)): network `local`.

It is a thread of a process of the same user as the command, without any privilege, that nobody may look into
(PR_SET_DUMPABLE). It never lets a call go on by itself: what the call points to could be changed in between. If the
command kills it, every such call fails.
"""

from __future__ import annotations

import _thread
import errno
import fcntl
import os
import select
import struct

from runner_image.sandbox.asked import Call, Judge
from runner_image.sandbox.caller import Caller

RECEIVE, SEND, STILL_THERE = 0xC0502100, 0xC0182101, 0x40082102
QUESTION = struct.Struct("=QII iIQ 6Q")  # id, thread, flags; number, architecture, instruction, six arguments
ANSWER = struct.Struct("=QqiI")
ID = struct.Struct("=Q")
CALLS = {
    "x86_64": {42: "connect", 49: "bind", 50: "listen", 44: "sendto", 46: "sendmsg", 307: "sendmmsg"},
    "aarch64": {203: "connect", 200: "bind", 201: "listen", 206: "sendto", 211: "sendmsg", 269: "sendmmsg"},
}


class Supervisor:
    def __init__(self, listener: int, uid: int) -> None:
        self._listener = listener
        self._judge = Judge(uid)
        machine = os.uname().machine
        self._calls = CALLS["aarch64" if machine == "arm64" else machine]

    def serve(self, until: int) -> None:
        """Answers until the descriptor `until` can be read."""
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(until, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if until in ready:
                return
            if ready[self._listener] & select.POLLIN:
                self._answer_one()
            else:  # nobody is left who could ask
                poll.unregister(self._listener)

    def _answer_one(self) -> None:
        question = bytearray(QUESTION.size)
        try:
            fcntl.ioctl(self._listener, RECEIVE, question, True)
        except OSError:  # whoever asked is gone
            return
        number, tid, _, call, _, _, *arguments = QUESTION.unpack(question)
        caller = None
        try:
            caller = Caller(tid)
            made = self._judge.judge(caller, self._calls.get(call, ""), arguments)
            fcntl.ioctl(self._listener, STILL_THERE, ID.pack(number))
            try:
                self._say(number, made.make(False))
            except BlockingIOError:
                if not made.waits:
                    raise
                _thread.start_new_thread(self._finish, (number, caller, made))
                return
        except (OSError, RuntimeError) as failed:
            self._refuse(number, failed)
        if caller:
            caller.close()

    def _finish(self, number: int, caller: Caller, made: Call) -> None:
        """Waits in the caller's stead."""
        try:
            self._say(number, made.make(True))
        except OSError as failed:
            self._refuse(number, failed)
        caller.close()

    def _refuse(self, number: int, failed: OSError | RuntimeError) -> None:
        error = getattr(failed, "errno", None) or errno.EAGAIN
        # What may not be looked into, or not be done, is one answer to the command: it is not allowed.
        self._answer(ANSWER.pack(number, 0, -(errno.EACCES if error == errno.EPERM else error), 0))

    def _say(self, number: int, value: int) -> None:
        self._answer(ANSWER.pack(number, value, 0, 0))

    def _answer(self, answer: bytes) -> None:
        try:
            fcntl.ioctl(self._listener, SEND, answer)
        except OSError as gone:
            if gone.errno not in (errno.ENOENT, errno.EINPROGRESS):  # a signal took the caller elsewhere
                raise
