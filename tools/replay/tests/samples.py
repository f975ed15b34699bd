"""A small log with every form of line that real ones have."""

MORNING = b"""\
=== ada [~ada@host.example.org]  has joined #garden
[23:58] <ada> good evening, is anybody there?
[23:58] <|linus|> yes :)  two  spaces and a trailing one\x20
[23:59]  * grace waves
[23:59] <grace>
[23:59] <grace> <b>not</b> html & not a nick: <ada>
=== grace is now known as grace_[away]

[00:01] <grace_[away]> \xe2\x9c\x93 Gr\xc3\xbc\xc3\x9fe \xf0\x9f\x8c\xb1
[00:01] <Ada> same person, other spelling
=== mode/#garden [+o ada]  by ada
=== ada scratches her head
=== |linus| [n=linus@host.example.org]  has left #garden ["bye [for now]"]
[00:02]  * |linus| is back
=== margaret [~m@host.example.org]  has left #garden []
"""
