"""What the exit code of a command says. docs/command.md has the same table, and a test holds it to this one."""

from __future__ import annotations

OK, FAILED, USAGE, NOT_FOUND, REFUSED, UNREACHABLE, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130

EXIT_CODES = {
    OK: "done",
    FAILED: "a step failed; the last line says which, and what to do",
    USAGE: "the command line, or a file named on it, is wrong",
    NOT_FOUND: "there is no such document, model, project or review",
    REFUSED: "refused: by the gate, by the rules of a labels file, or because something is under way or has changed",
    UNREACHABLE: "the app or its storage cannot be reached, or does not let you in",
    INCOMPLETE: "done in part: some documents or rows are left out, and each is named",
    INTERRUPTED: "interrupted; run it again, it goes on where it was",
}
