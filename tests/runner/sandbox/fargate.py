"""Holds a command as AWS Fargate holds a task: root with docker's default capabilities, no namespaces, no mounts.

    python fargate.py [--no-questions] command [argument …]

`--no-questions` refuses seccomp's user notification as well, as a kernel before 5.0 or a strict profile does.
"""

import ctypes
import errno
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from runner_image.sandbox import kernel
from runner_image.sandbox.seccomp import NEW_NAMESPACES, Filter, equal

CAPABILITIES = 0x00000000A80425FB
REFUSED = "unshare setns mount umount2 pivot_root fsopen fsmount move_mount open_tree mount_setattr bpf ptrace".split()
NEW_LISTENER = 8


def main(argv: list[str]) -> None:
    rules = Filter()
    if argv[0] == "--no-questions":
        del argv[0]
        rules.refuse("seccomp", equal(1, NEW_LISTENER, NEW_LISTENER), number=errno.EINVAL)
    for name in REFUSED:
        rules.refuse(name)
    rules.refuse("clone3", number=errno.ENOSYS)
    for flag in NEW_NAMESPACES:
        rules.refuse("clone", equal(0, flag, flag))
    kernel.load_filter(rules.program(), listen=False)  # before CAP_SYS_ADMIN goes, so that no_new_privs stays off
    for number in range(64):
        if not CAPABILITIES >> number & 1:
            kernel.libc.prctl(kernel.PR_CAPBSET_DROP, ctypes.c_ulong(number), 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    low, high = CAPABILITIES & 0xFFFFFFFF, CAPABILITIES >> 32
    kernel.checked(kernel.libc.capset(header, (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)))
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    main(sys.argv[1:])
