"""Why the system refused something, in words: what it says itself is in English, or in the computer's language."""

import csv
import errno

from onedoor.kernel.said import Said, said, verbatim

_OF_SYSTEM = {
    errno.ENOENT: said("there is no such file"),
    errno.ENOTDIR: said("there is no such file"),
    errno.EISDIR: said("it is a folder"),
    errno.EEXIST: said("it is there already"),
    errno.EACCES: said("this program has no right to it"),
    errno.EPERM: said("this program has no right to it"),
    errno.EROFS: said("nothing can be written to this disk"),
    errno.ENOSPC: said("the disk is full"),
    errno.EDQUOT: said("the disk is full"),
    errno.EIO: said("the disk has a fault"),
    errno.EMFILE: said("too many files are open"),
    errno.ENFILE: said("too many files are open"),
    errno.ENOMEM: said("no memory is left"),
    errno.EADDRINUSE: said("another program listens there"),
    errno.EADDRNOTAVAIL: said("this computer has no such address"),
}


def why(error: OSError | UnicodeDecodeError | csv.Error) -> Said:
    """Return in words why the system refused what was asked of it, or why what a file holds cannot be read."""
    if isinstance(error, csv.Error):
        return said("its quotation marks do not pair up")
    if isinstance(error, UnicodeDecodeError):
        return said("it is not text in UTF-8")
    known = _OF_SYSTEM.get(error.errno or 0)
    return known or said("the computer refuses: {why}", why=verbatim(error.strerror or str(error)))
