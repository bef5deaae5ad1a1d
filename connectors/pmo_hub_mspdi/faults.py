"""What can be wrong with a file, in one sentence for the admin who gave it.

FileFault
    UnreadableFile    nothing of it can be used: no plan, broken, hostile, or too large
    MissingConverter  its format needs a part of the hub that is not installed
"""

from __future__ import annotations


class FileFault(Exception):
    """The text continues a sentence that began with the file's name."""


class UnreadableFile(FileFault):
    pass


class MissingConverter(FileFault):
    pass
