"""
The whole error tree on one page; what you catch tells you what to do.

WordstreetError
├── RefusedError          what the user gave cannot be used; nothing was started (exit 2)
│   ├── SettingsError     a setting is unknown, malformed or contradicts another
│   ├── WatchlistError    the watchlist is empty, doubled, ambiguous or malformed
│   └── InputError        a file, folder, text or query given on the command line is unusable
├── SourceError           a source gave up; what it delivered before is stored
├── LockedError           another process has this role on the log or the lake
├── LogError              the log cannot be used
│   ├── LogFullError      the disk under the log is full; nothing acknowledged is lost
│   └── LogAwayError      Kafka does not answer now: wait and try again
├── LakeError             the lake cannot be used
│   ├── CommitRefused     another writer committed first: drop the handle, read the position, go on
│   └── PositionError     log and lake do not belong together (recreated log, trimmed too far)
├── EngineError           the engine itself cannot start or has ended; what landed is safe
├── StackError            a local service cannot be fetched, started or stopped
└── LookAheadError        a number would use what was not yet known; the study stops

Every message says what happened and what to do next. An error is raised by the lowest room that
knows its cause, and everything not in this tree is a defect of ours.
"""

__all__ = [
    "CommitRefused",
    "EngineError",
    "InputError",
    "LakeError",
    "LockedError",
    "LogAwayError",
    "LogError",
    "LogFullError",
    "LookAheadError",
    "PositionError",
    "RefusedError",
    "SettingsError",
    "SourceError",
    "StackError",
    "WatchlistError",
    "WordstreetError",
]


class WordstreetError(Exception):
    """Anything wordstreet itself reports; `exit_code` is what the command line ends with."""

    exit_code = 1


class RefusedError(WordstreetError):
    """What the user gave cannot be used; nothing was started."""

    exit_code = 2


class SettingsError(RefusedError):
    """A setting is unknown, malformed or contradicts another."""


class WatchlistError(RefusedError):
    """The watchlist is empty, doubled, ambiguous or malformed."""


class InputError(RefusedError):
    """A file, folder, text or query given by the user is unusable."""


class SourceError(WordstreetError):
    """A source gave up; what it delivered before is stored."""


class LockedError(WordstreetError):
    """Another process has this role on the log or the lake."""


class LogError(WordstreetError):
    """The log cannot be used."""


class LogFullError(LogError):
    """The disk under the log is full; nothing that was acknowledged is lost."""


class LogAwayError(LogError):
    """Kafka does not answer now; what was acknowledged is safe, and trying again may help."""


class LakeError(WordstreetError):
    """The lake cannot be used."""


class CommitRefused(LakeError):  # noqa: N818 - a refusal is an answer, not a fault
    """Another writer committed first; drop the handle, read the position, go on from there."""


class PositionError(LakeError):
    """Log and lake do not belong together: offsets are missing or ahead of the log's end."""


class EngineError(WordstreetError):
    """The engine itself cannot start or has ended; what landed is safe, start it again."""


class StackError(WordstreetError):
    """A local service cannot be fetched, started or stopped."""


class LookAheadError(WordstreetError):
    """A number would use what was not yet known at its time."""
