# table.py - what was measured, as text for a terminal and as docs/bench.md: ratios first, then figures, then which aims are met.
# SPDX-License-Identifier: GPL-3.0-or-later


def number(value, unit=""):
    """Three digits of it; - when there is none."""
    if value is None:
        return "-"
    size = abs(value)
    text = "%.0f" % value if size >= 100 else "%.1f" % value if size >= 10 else "%.2f" % value if size >= 0.1 or size == 0 else "%.3f" % value
    return text + (" " + unit if unit else "")


def times(value, base):
    """value / base as "3.1 x"."""
    return number(value / base, "x") if value is not None and base else "-"


class Section:
    """One subject: a table, aims, notes. A first column of words, the others right-aligned."""

    def __init__(self, title, columns):
        self.title, self.columns, self.rows, self.aims, self.notes, self.broken = title, columns, [], [], [], []

    def row(self, *cells):
        self.rows.append([str(c) for c in cells])

    def trouble(self, text):
        """What should have been measured and could not be: a row, and a fault of the run."""
        self.row(text, *[""] * (len(self.columns) - 1))
        self.broken.append("%s: %s" % (self.title, text))

    def aim(self, what, value, limit, unit="", at_least=False):
        """An aim: value must be at most limit (at_least: at least)."""
        if value is None:
            self.aims.append((what, "not measured"))
            return
        met = value >= limit if at_least else value <= limit
        sign = ">=" if at_least else "<="
        told = "%s, aim %s %s" % (number(value, unit), sign, number(limit, unit))
        off = limit / value if at_least else value / limit
        self.aims.append((what, "%s: %s" % (told, "met" if met else "NOT met, off by a factor of %s" % number(off))))

    def note(self, text):
        self.notes.append(text)

    def text(self):
        cells = [self.columns] + self.rows
        widths = [max(len(r[i]) for r in cells) for i in range(len(self.columns))]
        out = [self.title, "-" * len(self.title)]
        for r in cells:
            out.append("  " + "  ".join([r[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(r[1:], widths[1:])]).rstrip())
        out += ["  aim: %s: %s" % aim for aim in self.aims]
        out += ["  note: " + n for n in self.notes]
        return "\n".join(out) + "\n"

    def markdown(self):
        out = ["## " + self.title, "", "| " + " | ".join(self.columns) + " |", "|---" + "|---:" * (len(self.columns) - 1) + "|"]
        out += ["| " + " | ".join(r) + " |" for r in self.rows]
        if self.aims:
            out += [""] + ["- **Aim:** %s: %s." % aim for aim in self.aims]
        if self.notes:
            out += [""] + ["- " + n + ("" if n.endswith(".") else ".") for n in self.notes]
        return "\n".join(out) + "\n"
