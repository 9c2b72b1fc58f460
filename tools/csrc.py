# csrc.py - a small reader of C for the checks: functions and prototypes with their places; not a parser.
# SPDX-License-Identifier: GPL-3.0-or-later
"""It knows comments, literals, preprocessor lines, brackets and the house
style; that is enough to find functions, and a style that it cannot read is
one that people read badly too."""

import glob
import os
import re

LAYERS = ("base", "journal", "actions", "session", "tui", "command")
TOKEN = re.compile(r"[A-Za-z_]\w*|[{}()\[\];,=]|\.\.\.|\S")


def sources(root, exts=("c", "h")):
    """Paths of the files of the layers and of their rooms, and bellbook.c, below root, sorted."""
    found = []
    for folder in LAYERS:
        for ext in exts:
            for room in ("", "*"):
                found += glob.glob(os.path.join(root, folder, room, "*." + ext))
    main = os.path.join(root, "bellbook.c")
    if "c" in exts and os.path.exists(main):
        found.append(main)
    return sorted(os.path.relpath(p, root) for p in found)


def blank(text):
    """The same text with comments, literals and preprocessor lines made spaces; line numbers stay."""
    def spaces(m):
        return re.sub(r"[^\n]", " ", m.group(0))

    def literal(m):
        return '"' + " " * (len(m.group(0)) - 2) + '"' if m.group(0)[0] in "\"'" else spaces(m)
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', literal, text, flags=re.S)
    return re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", spaces, text, flags=re.M)


class Function:
    """first, line, last: lines of its start, name and end; body: (first, last) lines of the braces or None; depth: of its control flow."""

    def __init__(self, name, line, first, params, static):
        self.name, self.line, self.first, self.params, self.static = name, line, first, params, static
        self.body, self.depth, self.last = None, 0, line


def tokens(text):
    line, at = 1, 0
    for m in TOKEN.finditer(text):
        line += text.count("\n", at, m.start())
        at = m.start()
        yield m.group(0), line


def declarator(head):
    """The function that the tokens before `{` or `;` declare, or None."""
    depth, name, start = 0, None, None
    for i, (tok, line) in enumerate(head):
        if tok == "__attribute__" and depth == 0 and name:
            break
        if tok == "=" and depth == 0:
            return None
        if tok == "(":
            if depth == 0 and i and name is None and re.match(r"[A-Za-z_]\w*$", head[i - 1][0]) \
                    and head[i - 1][0] not in ("__attribute__", "_Static_assert"):
                name, start = head[i - 1], i
            depth += 1
        elif tok == ")":
            depth -= 1
            if depth == 0 and start is not None:
                inner = head[start + 1:i]
                break
    else:
        inner = None
    words = [t for t, _ in head]
    if not name or inner is None or "typedef" in words or start == 1:
        return None
    level, count = 0, 1
    for tok, _ in inner:
        level += (tok in "([") - (tok in ")]")
        count += tok == "," and level == 0
    if [t for t, _ in inner] in ([], ["void"]):
        count = 0
    return Function(name[0], name[1], head[0][1], count, "static" in words)


def control_depth(body):
    """How deep control flow nests; `else if` is one level with its if, braceless bodies count too."""
    stack, deepest, pending, prev, parens = [], 0, False, "", 0
    for tok, _ in body:
        if tok in ("if", "for", "while", "switch", "do") and not (tok == "while" and prev == "}do"):
            extra = 1 if pending and not (tok == "if" and prev == "else") else 0
            deepest = max(deepest, sum(stack) + 1 + extra)
            pending = True
        if tok == "(":
            parens += 1
        elif tok == ")":
            parens -= 1
        elif tok == ";" and parens == 0:
            pending = False
        elif tok == "{":
            stack.append(1 if prev in (")", "else", "do") else 0)
            if stack[-1]:
                pending = False
        elif tok == "}":
            was = stack.pop() if stack else 0
            tok = "}" if was else "}init"
        if tok != "(" or prev != "do":
            prev = tok
    return deepest


def functions(text):
    """All functions and prototypes at file level, in order."""
    found, head, depth, body, current = [], [], 0, [], None
    for tok, line in tokens(blank(text)):
        if depth == 0 and tok == ";":
            fn = declarator(head)
            if fn:
                fn.last = line
                found.append(fn)
            head = []
        elif tok == "{":
            if depth == 0:
                current = declarator(head)
                body, start = [], line
            else:
                body.append((tok, line))
            depth += 1
        elif tok == "}":
            depth -= 1
            if depth == 0:
                if current:
                    current.body, current.last = (start, line), line
                    current.depth = control_depth(body)
                    found.append(current)
                    head, current = [], None
            else:
                body.append((tok, line))
        elif depth == 0:
            head.append((tok, line))
        else:
            body.append((tok, line))
    return found
