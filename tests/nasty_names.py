"""Names that a table of people may hold and that some medium would take for something else."""

from __future__ import annotations

NASTY = {
    "a formula that cannot be parsed": r"$\frac{1$",
    "two amounts of money": "$10k-$20k",
    "markup": "<script>alert('x')</script>",
    "markup of a cell": "</td></tr><img src=x onerror=alert(1)>",
    "an entity": "A & B &lt;",
    "a cell of Markdown": "A | B `code` [link](javascript:alert(1)) **bold** _it_",
    "a command of LaTeX": r"\input{/etc/passwd} 5 % #1 ~x^2_3 {",
    "a length of LaTeX": "[3cm] *",
    "a formula of a spreadsheet": '=HYPERLINK("http://x.y","z")',
    "a sum of a spreadsheet": "+1+cmd|' /C calc'!A0",
    "a mention": "@SUM(1,2)",
    "an escape of a terminal": "\x1b[31mred\x1b]0;title\x07",
    "control characters": "A\x00B\x08C\x7fD\x9b",
    "line breaks": "A\r\nB\n\nC\u2028D",
    "markup of rich": "[bold red]A[/bold red] :smile:",
    "from right to left": "עברית العربية",
    "a change of direction": "A\u202egnp.exe\u2066",
    "combining characters": "Z" + "\u0301" * 40,
    "a combining character alone": "\u0301x",
    "hidden characters": "A\u200bB\u00adC\ufeff\ufe0f",
    "other scripts": "中文 हिन्दी ไทย",
    "a picture": "😀👩\u200d👩",
    "no character": "A\ufffe\uffff",
    "ten thousand letters": "n" * 10_000,
    "ten thousand words": "word and " * 1_250,
    "ten thousand control characters": "\x01" * 10_000,
}
"""By what makes it nasty."""
