"""Why a file could not be read, in words."""

from onedoor.kernel.said import Said, said, verbatim


def why(error: OSError | UnicodeDecodeError) -> Said:
    """Return in words what *error* says of the file that was to be read."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return said("there is no such file")
        case PermissionError():
            return said("this program may not read it")
        case IsADirectoryError():
            return said("it is a folder")
        case UnicodeDecodeError():
            return said("it is not text in UTF-8")
    return said("the computer refuses: {why}", why=verbatim(error.strerror or str(error)))
